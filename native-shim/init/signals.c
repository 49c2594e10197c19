#include "init/signals.h"

#include <stddef.h>
#include <sys/signalfd.h>

#include "common/failure.h"

static const int forwarded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP };
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP };

void signals_save(struct signals_saved *saved)
{
    sigemptyset(&saved->ignored);
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            sigaddset(&saved->ignored, number);
        }
    }
    (void)sigprocmask(SIG_SETMASK, NULL, &saved->blocked);
}

void signals_return(const struct signals_saved *saved)
{
    signals_reset_actions();
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(&saved->ignored, number) == 1) {
            (void)sigaction(number, &ignore, NULL);
        }
    }
    (void)sigprocmask(SIG_SETMASK, &saved->blocked, NULL);
}

void signals_reset_actions(void)
{
    struct sigaction standard = { .sa_handler = SIG_DFL };
    for (int number = 1; number < NSIG; number++) {
        (void)sigaction(number, &standard, NULL); // refused for SIGKILL, SIGSTOP and the C library's own
    }
}

static void fill_blocked(sigset_t *set)
{
    sigfillset(set);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigdelset(set, faults[i]);
    }
}

int signals_block(void)
{
    sigset_t all;
    fill_blocked(&all);
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

static int open_watched(const sigset_t *watched)
{
    int fd = signalfd(-1, watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return fail("cannot open a signal descriptor: %m");
    }
    return fd;
}

int signals_open(void)
{
    sigset_t watched;
    signals_watched(&watched);
    return open_watched(&watched);
}

int signals_open_all(void)
{
    sigset_t watched;
    fill_blocked(&watched);
    return open_watched(&watched);
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

bool signals_is_handed_on(int signal_number)
{
    // The kernel sends these for what we do ourselves: children that end, writes to a pipe or terminal.
    return signal_number != SIGCHLD && signal_number != SIGPIPE && signal_number != SIGTTIN && signal_number != SIGTTOU;
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
