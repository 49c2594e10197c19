// checkpointer-init: owner of one restored tree (restore), the way into its namespaces (enter), the way out of
// the caller's session (detach), PID 1 of a container that waits for its restore (hold, probe), the end of a restore
// whose owner has died (clear), and the thaw of what an engine froze, also when it has died (guard).
// The protocols are in docs/native.md.

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/failure.h"
#include "init/clear.h"
#include "init/detach.h"
#include "init/enter.h"
#include "init/guard.h"
#include "init/hold.h"
#include "init/launch.h"
#include "init/options.h"
#include "init/signals.h"

static const char usage[] =
    "usage: checkpointer-init restore --operation ID --state DIR [--pid-namespace | --into PID [--stage DIR]\n"
    "           [--take PATH=NAME]...] [--last-pid N] [--cgroup-procs FILE]... [--deadline SECONDS]\n"
    "           [--map KEY=SPEC]... -- CRIU restore ARGS...\n"
    "       checkpointer-init enter --pid N -- CMD ARGS...\n"
    "       checkpointer-init detach -- CMD ARGS...\n"
    "       checkpointer-init hold [--deadline SECONDS] [--cold-start] [-- CMD ARGS...]\n"
    "       checkpointer-init probe\n"
    "       checkpointer-init clear --into PID --operation ID\n"
    "       checkpointer-init guard --operation ID --freezer FILE...\n";

// A closed standard descriptor would be taken by the first file that is opened, and then overwritten.
static void open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)open("/dev/null", O_RDWR);
        }
    }
}

static int run_restore(int count, char **arguments)
{
    static struct restore_options options; // large: kept off the stack
    if (restore_options_parse(count, arguments, &options) < 0) {
        report("%s", failure());
        return 1;
    }
    return launch(&options);
}

static int run_enter(int count, char **arguments)
{
    struct enter_options options;
    if (enter_options_parse(count, arguments, &options) < 0) {
        report("%s", failure());
        return ENTER_FAILED;
    }
    return enter(&options);
}

static int run_detach(int count, char **arguments)
{
    char **command;
    if (detach_options_parse(count, arguments, &command) < 0) {
        report("%s", failure());
        return DETACH_FAILED;
    }
    return detach(command);
}

static int run_clear(int count, char **arguments)
{
    struct clear_options options;
    if (clear_options_parse(count, arguments, &options) < 0) {
        report("%s", failure());
        return CLEAR_FAILED;
    }
    return clear_placeholder(&options);
}

static int run_guard(int count, char **arguments)
{
    static struct guard_options options;
    if (guard_options_parse(count, arguments, &options) < 0) {
        report("%s", failure());
        return GUARD_FAILED;
    }
    return guard(&options);
}

static int run_hold(int count, char **arguments, const struct signals_saved *saved)
{
    struct hold_options options;
    if (hold_options_parse(count, arguments, &options) < 0) {
        report("%s", failure());
        return HOLD_FAILED;
    }
    return hold(&options, saved);
}

int main(int count, char **arguments)
{
    report_as("checkpointer-init");
    open_standard_descriptors();
    struct signals_saved saved;
    signals_save(&saved);
    signals_reset_actions();
    if (count >= 2 && strcmp(arguments[1], "restore") == 0) {
        return run_restore(count - 2, arguments + 2);
    }
    if (count >= 2 && strcmp(arguments[1], "enter") == 0) {
        return run_enter(count - 2, arguments + 2);
    }
    if (count >= 2 && strcmp(arguments[1], "detach") == 0) {
        return run_detach(count - 2, arguments + 2);
    }
    if (count >= 2 && strcmp(arguments[1], "hold") == 0) {
        return run_hold(count - 2, arguments + 2, &saved);
    }
    if (count == 2 && strcmp(arguments[1], "probe") == 0) {
        return hold_probe();
    }
    if (count >= 2 && strcmp(arguments[1], "clear") == 0) {
        return run_clear(count - 2, arguments + 2);
    }
    if (count >= 2 && strcmp(arguments[1], "guard") == 0) {
        return run_guard(count - 2, arguments + 2);
    }
    fputs(usage, stderr);
    return 1;
}
