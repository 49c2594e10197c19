#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Parses a whole string as a decimal number within [least, most]; no sign, no space, no leading plus.
bool text_parse_number(const char *text, int64_t least, int64_t most, int64_t *number);

// Parses seconds, with up to three decimals ("90", "0.5"), into milliseconds; at most `most_seconds`, more than 0.
bool text_parse_seconds(const char *text, int64_t most_seconds, int64_t *milliseconds);

// Whether the text is 1 to `longest` characters of A-Z a-z 0-9 . _ : - (safe as one word of a protocol line).
bool text_is_word(const char *text, size_t longest);

// Replaces control characters, so that foreign text cannot forge lines or terminal sequences.
void text_make_printable(char *text);
