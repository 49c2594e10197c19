#pragma once

// The error convention of the shim: a function that can fail returns -1 through fail(), which
// keeps one line of text; whoever cannot go on prints that line. Not for threads: there are none.

enum { FAILURE_MAX = 512 }; // bytes of one error line, the final zero included; longer text is cut

// Keeps the text of a failure and returns -1. `%m` is the caller's errno.
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The text of the last failure, one line without its end.
const char *failure(void);

// Sets the word that stands before every line of report().
void report_as(const char *program);

// Writes one line "program: text" to standard error in one write, so that lines of several processes do not mix.
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
