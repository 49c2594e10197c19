#include "gpu/json.h"

#include <stdarg.h>
#include <stdio.h>

static void put(struct json *json, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct json *json, const char *format, ...)
{
    if (json->overflown) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(json->text + json->length, json->size - json->length, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= json->size - json->length) {
        json->overflown = true;
        return;
    }
    json->length += (size_t)length;
}

static void name_it(struct json *json, const char *name)
{
    put(json, json->comma ? "," : "");
    if (name != NULL) {
        put(json, "\"%s\":", name);
    }
    json->comma = true;
}

void json_begin(struct json *json, char bracket, const char *name)
{
    name_it(json, name);
    put(json, "%c", bracket);
    json->comma = false;
}

void json_end(struct json *json, char bracket)
{
    put(json, "%c", bracket);
    json->comma = true;
}

void json_string(struct json *json, const char *name, const char *value)
{
    name_it(json, name);
    put(json, "\"");
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\') {
            put(json, "\\%c", c);
        } else if (c < 0x20 || c >= 0x7f) { // foreign bytes are read as Latin-1, so that the text is always valid
            put(json, "\\u%04x", c);
        } else {
            put(json, "%c", c);
        }
    }
    put(json, "\"");
}

void json_number(struct json *json, const char *name, unsigned long long value)
{
    name_it(json, name);
    put(json, "%llu", value);
}

void json_bool(struct json *json, const char *name, bool value)
{
    name_it(json, name);
    put(json, value ? "true" : "false");
}
