#pragma once

#include <stdbool.h>
#include <stddef.h>

// Builds one JSON text in a fixed block; what does not fit marks it as overflown instead of being cut silently.
struct json {
    char *text;
    size_t size;
    size_t length;
    bool overflown;
    bool comma; // whether the next element needs one before it
};

void json_begin(struct json *json, char bracket, const char *name); // name: NULL inside of an array
void json_end(struct json *json, char bracket);
void json_string(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, unsigned long long value);
void json_bool(struct json *json, const char *name, bool value);
