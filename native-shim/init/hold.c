#include "init/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failure.h"
#include "common/fd.h"
#include "init/door.h"
#include "init/holder.h"

enum { CANNOT_RUN = 126, NOT_FOUND = 127 };

static void take_signals(struct holder *holder, int signals)
{
    struct signalfd_siginfo information;
    while (read(signals, &information, sizeof information) == (ssize_t)sizeof information) {
        holder_take_signal(holder, (int)information.ssi_signo);
    }
}

static int become_command(const struct hold_options *options, const struct signals_saved *saved)
{
    signals_return(saved);
    execvp(options->command[0], options->command);
    int code = errno == ENOENT ? NOT_FOUND : CANNOT_RUN;
    report("cannot run %.256s: %m", options->command[0]);
    return code;
}

int hold(const struct hold_options *options, const struct signals_saved *saved)
{
    static struct holder holder; // large: kept off the stack
    int signals = -1;
    int inner = -1;
    if (getpid() != 1) {
        report("hold must be PID 1 of its pid namespace, it is %d: run this pod without shareProcessNamespace and hostPID", (int)getpid());
        return HOLD_FAILED;
    }
    // Not dumpable: only who may trace any process of this container can take descriptor 64.
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || signals_block() < 0 || (signals = signals_open_all()) < 0 || (inner = door_open()) < 0) {
        report("%s", failure());
        return HOLD_FAILED;
    }
    holder_init(&holder, options);
    report("waiting for a restore, for up to %d s", (left_ms(holder.deadline) + 999) / 1000);
    while (holder.phase <= HOLDER_RUNNING) {
        struct pollfd polled[] = { { .fd = signals, .events = POLLIN }, { .fd = inner, .events = POLLIN } };
        if (poll(polled, 2, holder_patience_ms(&holder)) > 0) {
            take_signals(&holder, signals);
            holder_reap(&holder);
            door_serve(inner, &holder);
        }
        holder_tick(&holder);
    }
    return holder.phase == HOLDER_COLD ? become_command(options, saved) : holder.code;
}

int hold_probe(void)
{
    char name[32];
    int fd = open("/proc/1/comm", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
    fd_close(&fd);
    if (length <= 0) {
        report("cannot read the name of PID 1: %m");
        return 1;
    }
    name[length] = '\0';
    bool waits = strcmp(name, "ckpt-waiting\n") == 0 || strcmp(name, "ckpt-restoring\n") == 0;
    return waits ? 1 : 0;
}
