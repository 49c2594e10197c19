#include "init/words.h"

#include <string.h>

#include "common/failure.h"
#include "common/text.h"
#include "init/options.h"

enum {
    COMMAND_MOST = 4096, // words of a command line
    DEADLINE_MOST_SECONDS = 86400,
    PID_MOST = 4194304,  // the kernel's PID_MAX_LIMIT
};

bool words_is(struct words *words, const char *name)
{
    const char *word = words->list[words->at];
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0) {
        return false;
    }
    if (word[length] != '\0' && word[length] != '=') {
        return false;
    }
    words->inline_value = word[length] == '=' ? word + length + 1 : NULL;
    return true;
}

const char *words_value(struct words *words, const char *name)
{
    const char *value = words->inline_value;
    if (value == NULL && words->at + 1 < words->count) {
        value = words->list[++words->at];
    }
    if (value == NULL || *value == '\0') {
        fail("%s needs a value", name);
        return NULL;
    }
    return value;
}

int words_number(struct words *words, const char *name, int64_t least, int64_t most, int64_t *number)
{
    const char *value = words_value(words, name);
    if (value == NULL) {
        return -1;
    }
    if (!text_parse_number(value, least, most, number)) {
        return fail("%s: not a number from %lld to %lld: %s", name, (long long)least, (long long)most, value);
    }
    return 0;
}

int words_seconds(struct words *words, const char *name, int64_t *milliseconds)
{
    const char *value = words_value(words, name);
    if (value == NULL) {
        return -1;
    }
    return text_parse_seconds(value, DEADLINE_MOST_SECONDS, milliseconds) ? 0 : fail("%s: not a number of seconds: %s", name, value);
}

int words_command(struct words *words, char ***command, size_t *count)
{
    int left = words->count - words->at - 1;
    if (left < 1) {
        return fail("no command after --");
    }
    if (left > COMMAND_MOST) {
        return fail("the command has more than %d words", COMMAND_MOST);
    }
    *command = words->list + words->at + 1;
    *count = (size_t)left;
    if (strchr(**command, '/') == NULL) {
        return fail("the command must be a path, PATH is not searched: %s", **command);
    }
    return 0;
}

int words_pid(struct words *words, const char *name, int *pid)
{
    int64_t number;
    if (words_number(words, name, 1, PID_MOST, &number) < 0) {
        return -1;
    }
    *pid = (int)number;
    return 0;
}

int words_operation(struct words *words, const char **operation)
{
    *operation = words_value(words, "--operation");
    if (*operation == NULL) {
        return -1;
    }
    return text_is_word(*operation, OPERATION_LONGEST) ? 0 : fail("--operation: not an operation id");
}
