#include "init/holder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "init/children.h"
#include "init/signals.h"

enum {
    CLEAR_PATIENCE_MS = 10000, // a task in uninterruptible sleep may never die; we do not wait for ever
    CLEAR_AGAIN_MS = 20,       // killing is repeated: a process may enter the namespace between two looks
};

void holder_enter(struct holder *holder, enum holder_phase phase)
{
    holder->phase = phase;
    if (phase <= HOLDER_RUNNING) {
        static const char *const names[] = { "ckpt-waiting", "ckpt-restoring", "ckpt-running" };
        (void)prctl(PR_SET_NAME, names[phase]);
    }
}

void holder_init(struct holder *holder, const struct hold_options *options)
{
    *holder = (struct holder){ .options = options, .deadline = now_ms() + options->deadline_ms };
    holder_enter(holder, HOLDER_WAITING);
}

void holder_end(struct holder *holder, int code)
{
    holder->code = code;
    holder_enter(holder, HOLDER_OVER);
}

int holder_clear(void)
{
    int64_t deadline = now_ms() + CLEAR_PATIENCE_MS;
    for (;;) {
        (void)kill(-1, SIGKILL);
        pid_t reaped;
        do {
            reaped = waitpid(-1, NULL, WNOHANG);
        } while (reaped > 0 || (reaped < 0 && errno == EINTR));
        if (reaped < 0 && !children_namespace_is_shared()) {
            return 0;
        }
        if (left_ms(deadline) == 0) {
            return fail("processes are left that do not die");
        }
        (void)poll(NULL, 0, CLEAR_AGAIN_MS);
    }
}

void holder_take_signal(struct holder *holder, int signal_number)
{
    if (holder->phase == HOLDER_RUNNING) {
        if (signals_is_handed_on(signal_number)) {
            (void)kill(holder->main, signal_number);
        }
    } else if (holder->phase <= HOLDER_RESTORING && signals_is_ending(signal_number)) {
        report("ended by signal %d before anything was restored", signal_number);
        holder_end(holder, 128 + signal_number);
    }
}

void holder_reap(struct holder *holder)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            return;
        }
        if (holder->phase == HOLDER_RUNNING && pid == holder->main) {
            holder_end(holder, ending_code(ending_of_status(status)));
        } else if (holder->phase == HOLDER_RESTORING) {
            endings_add(&holder->early, pid, ending_of_status(status));
        }
    }
}

static void give_up(struct holder *holder, const char *reason)
{
    bool alone = holder->phase == HOLDER_WAITING || holder_clear() == 0;
    if (holder->options->cold_start && alone) {
        report("%s: starting %.256s instead", reason, holder->options->command[0]);
        holder_enter(holder, HOLDER_COLD);
    } else {
        report("%s: giving up", reason);
        holder_end(holder, HOLDER_GAVE_UP);
    }
}

void holder_tick(struct holder *holder)
{
    if (holder->phase == HOLDER_WAITING && now_ms() >= holder->deadline) {
        give_up(holder, "nothing was restored in time");
    } else if (holder->phase == HOLDER_RESTORING && now_ms() >= holder->restore_deadline) {
        give_up(holder, "the restore was not done in time");
    }
}

int holder_patience_ms(const struct holder *holder)
{
    switch (holder->phase) {
    case HOLDER_WAITING:
        return left_ms(holder->deadline);
    case HOLDER_RESTORING:
        return left_ms(holder->restore_deadline);
    case HOLDER_RUNNING:
        return -1;
    default:
        return 0;
    }
}
