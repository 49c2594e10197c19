#include "init/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"
#include "init/ending.h"
#include "init/namespaces.h"
#include "init/signals.h"

enum { CANNOT_RUN = 126, NOT_FOUND = 127 };

// The parent's end of the pipe closes when it dies, also before prctl() took effect. getppid() cannot
// tell: seen from inside the pid namespace the parent is always 0.
static bool is_parent_gone(int parent_pipe)
{
    struct pollfd polled = { .fd = parent_pipe, .events = 0 };
    return poll(&polled, 1, 0) > 0;
}

_Noreturn static void run(const struct enter_options *options, int parent_pipe)
{
    signals_restore_for_child();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || is_parent_gone(parent_pipe)) {
        _exit(ENTER_FAILED);
    }
    execv(options->command[0], options->command);
    int code = errno == ENOENT ? NOT_FOUND : CANNOT_RUN;
    report("cannot run %.256s: %m", options->command[0]);
    _exit(code);
}

static int attend(pid_t child)
{
    sigset_t watched;
    signals_watched(&watched);
    for (;;) {
        int signal_number = sigwaitinfo(&watched, NULL);
        if (signal_number == SIGCHLD) {
            int status;
            if (waitpid(child, &status, WNOHANG) == child) {
                return ending_code(ending_of_status(status));
            }
        } else if (signal_number > 0) {
            (void)kill(child, signal_number);
        }
    }
}

int enter(const struct enter_options *options)
{
    int ends[2];
    if (namespaces_enter(options->pid) < 0 || signals_block() < 0) {
        report("%s", failure());
        return ENTER_FAILED;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        report("cannot make a pipe: %m");
        return ENTER_FAILED;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        run(options, ends[0]);
    }
    if (child < 0) {
        report("cannot fork: %m");
        return ENTER_FAILED;
    }
    close(ends[0]);
    return attend(child);
}
