#include "common/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/text.h"

static char last_failure[FAILURE_MAX] = "unknown failure";
static const char *program_name = "checkpointer";

int fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_failure, sizeof last_failure, format, arguments);
    va_end(arguments);
    text_make_printable(last_failure);
    return -1;
}

const char *failure(void)
{
    return last_failure;
}

void report_as(const char *program)
{
    program_name = program;
}

void report(const char *format, ...)
{
    char line[FAILURE_MAX + 64];
    int prefix = snprintf(line, sizeof line, "%s: ", program_name);
    if (prefix < 0 || (size_t)prefix >= sizeof line - 2) {
        prefix = 0;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + prefix, sizeof line - (size_t)prefix - 1, format, arguments);
    va_end(arguments);
    text_make_printable(line);
    size_t length = strlen(line);
    line[length] = '\n';
    // Standard error may be gone; there is nowhere left to say so.
    (void)fd_write_all(STDERR_FILENO, line, length + 1);
}
