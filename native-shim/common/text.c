#include "common/text.h"

#include <string.h>

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

bool text_parse_number(const char *text, int64_t least, int64_t most, int64_t *number)
{
    int64_t value = 0;
    size_t digits = 0;
    for (; is_digit(text[digits]); digits++) {
        if (value > (INT64_MAX - 9) / 10) {
            return false;
        }
        value = value * 10 + (text[digits] - '0');
    }
    if (digits == 0 || text[digits] != '\0' || value < least || value > most) {
        return false;
    }
    *number = value;
    return true;
}

bool text_parse_seconds(const char *text, int64_t most_seconds, int64_t *milliseconds)
{
    char whole[20];
    size_t length = strcspn(text, ".");
    if (length == 0 || length >= sizeof whole) {
        return false;
    }
    memcpy(whole, text, length);
    whole[length] = '\0';
    int64_t seconds;
    if (!text_parse_number(whole, 0, most_seconds, &seconds)) {
        return false;
    }
    int64_t fraction = 0;
    if (text[length] == '.') {
        const char *decimals = text + length + 1;
        size_t count = strlen(decimals);
        if (count < 1 || count > 3 || !text_parse_number(decimals, 0, 999, &fraction)) {
            return false;
        }
        for (; count < 3; count++) {
            fraction *= 10;
        }
    }
    *milliseconds = seconds * 1000 + fraction;
    return *milliseconds > 0;
}

bool text_is_word(const char *text, size_t longest)
{
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        char c = text[length];
        bool allowed = is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c != '\0' && strchr("._:-", c) != NULL);
        if (!allowed || length >= longest) {
            return false;
        }
    }
    return length > 0;
}

void text_make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            *text = '?';
        }
    }
}
