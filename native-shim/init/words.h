#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Walks "--name value" and "--name=value" words up to "--". Whoever takes a value moves on to it. The functions that return a
// number return -1 (failure()) for a value that is missing or wrong.
struct words {
    int count;
    char **list;
    int at;
    const char *inline_value;
};

// Whether this word is the option; its value may be in it.
bool words_is(struct words *words, const char *name);

// The option's value, or NULL.
const char *words_value(struct words *words, const char *name);

int words_number(struct words *words, const char *name, int64_t least, int64_t most, int64_t *number);
int words_pid(struct words *words, const char *name, int *pid);
int words_operation(struct words *words, const char **operation);

// Seconds, up to a day, as milliseconds.
int words_seconds(struct words *words, const char *name, int64_t *milliseconds);

// The command after "--", which must be a path.
int words_command(struct words *words, char ***command, size_t *count);
