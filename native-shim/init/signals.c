#include "init/signals.h"

#include <stddef.h>
#include <sys/signalfd.h>

#include "common/failure.h"

static const int forwarded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP };
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP };

void signals_reset_actions(void)
{
    struct sigaction standard = { .sa_handler = SIG_DFL };
    for (int number = 1; number < NSIG; number++) {
        (void)sigaction(number, &standard, NULL); // refused for SIGKILL, SIGSTOP and the C library's own
    }
}

int signals_block(void)
{
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigdelset(&all, faults[i]);
    }
    if (sigprocmask(SIG_SETMASK, &all, NULL) < 0) {
        return fail("cannot block signals: %m");
    }
    return 0;
}

void signals_watched(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++) {
        sigaddset(set, forwarded[i]);
    }
}

int signals_open(void)
{
    sigset_t watched;
    signals_watched(&watched);
    int fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return fail("cannot open a signal descriptor: %m");
    }
    return fd;
}

bool signals_is_forwarded(int signal_number)
{
    for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++) {
        if (forwarded[i] == signal_number) {
            return true;
        }
    }
    return false;
}

bool signals_is_ending(int signal_number)
{
    return signal_number == SIGTERM || signal_number == SIGINT || signal_number == SIGHUP || signal_number == SIGQUIT;
}

void signals_restore_for_child(void)
{
    signals_reset_actions();
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}
