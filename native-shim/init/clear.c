#include "init/clear.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"
#include "init/target.h"

int clear_placeholder(const struct clear_options *options)
{
    struct target target;
    char line[TARGET_ANSWER_MAX + 1];
    if (target_open(options->into, &target) < 0 || target_adopt_pids(&target) < 0
        || target_clear(&target, options->operation, true, 0) < 0 || target_ask(&target, "status", line) < 0) {
        report("%s", failure());
        return CLEAR_FAILED;
    }
    strcat(line, "\n");
    if (fd_write_all(STDOUT_FILENO, line, strlen(line)) < 0) {
        report("cannot say what the placeholder does: %m");
        return CLEAR_FAILED;
    }
    return 0;
}
