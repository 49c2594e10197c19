#include "init/holder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/text.h"
#include "init/children.h"
#include "init/signals.h"

enum {
    CLEAR_PATIENCE_MS = 10000, // a task in uninterruptible sleep may never die; we do not wait for ever
    CLEAR_AGAIN_MS = 20,       // killing is repeated: a process may enter the namespace between two looks
    RETRACTED_MS = 60000,      // who retracts abandons at once; a minute is somebody who died
    PID_MOST = 4194304,        // the kernel's PID_MAX_LIMIT
    RESTORE_MOST_SECONDS = 86400,
};

// Whoever looks at the process list sees the phase.
static void enter_phase(struct holder *holder, enum holder_phase phase)
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
    enter_phase(holder, HOLDER_WAITING);
}

static void end(struct holder *holder, int code)
{
    holder->code = code;
    enter_phase(holder, HOLDER_OVER);
}

// Kills everybody in the namespace but us, until we are alone. Others than our children, too: a CRIU whose parent is outside.
static int clear(void)
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

static int begin(struct holder *holder, char *arguments)
{
    char *seconds = strchr(arguments, ' ');
    int64_t milliseconds;
    if (seconds == NULL) {
        return fail("restoring needs OPERATION SECONDS");
    }
    *seconds++ = '\0';
    if (!text_is_word(arguments, OPERATION_LONGEST) || !text_parse_seconds(seconds, RESTORE_MOST_SECONDS, &milliseconds)) {
        return fail("restoring needs OPERATION SECONDS");
    }
    if (holder->phase == HOLDER_RUNNING) {
        return fail("process %d runs already", (int)holder->main);
    }
    if (holder->phase == HOLDER_RESTORING && strcmp(arguments, holder->operation) != 0) {
        return fail("restore %s is in progress", holder->operation);
    }
    if (holder->phase == HOLDER_WAITING) {
        holder->early = (struct endings){ 0 };
        snprintf(holder->operation, sizeof holder->operation, "%s", arguments);
        enter_phase(holder, HOLDER_RESTORING);
    }
    holder->restore_deadline = now_ms() + milliseconds;
    return 0;
}

static int adopt(struct holder *holder, const char *number)
{
    int64_t pid;
    if (!text_parse_number(number, 2, PID_MOST, &pid)) {
        return fail("not a pid");
    }
    if (holder->phase != HOLDER_RESTORING) {
        return fail("no restore is in progress");
    }
    const struct ending *early = endings_find(&holder->early, (pid_t)pid);
    if (early == NULL && !children_has((pid_t)pid)) {
        return fail("process %d is not our child", (int)pid);
    }
    holder->main = (pid_t)pid;
    enter_phase(holder, HOLDER_RUNNING);
    if (early != NULL) {
        end(holder, ending_code(*early));
    }
    return 0;
}

// What runs is what is being restored, again: its end is not ours any more.
static int retract(struct holder *holder, const char *operation)
{
    if (holder->phase != HOLDER_RUNNING || strcmp(operation, holder->operation) != 0) {
        return fail("no such restore");
    }
    holder->main = 0;
    holder->restore_deadline = now_ms() + RETRACTED_MS;
    enter_phase(holder, HOLDER_RESTORING);
    return 0;
}

static int abandon(struct holder *holder, const char *operation)
{
    if (holder->phase == HOLDER_WAITING || strcmp(operation, holder->operation) != 0) {
        return fail("no such restore");
    }
    if (clear() < 0) {
        return -1;
    }
    holder->main = 0;
    enter_phase(holder, HOLDER_WAITING);
    return 0;
}

static int start_cold(struct holder *holder)
{
    if (holder->options->command == NULL) {
        return fail("there is no command to start");
    }
    if (holder->phase != HOLDER_WAITING) {
        return fail("a restore is in progress, or was done");
    }
    enter_phase(holder, HOLDER_COLD);
    return 0;
}

static int pass_signal(const struct holder *holder, const char *text)
{
    int64_t number;
    if (!text_parse_number(text, 1, SIGRTMAX, &number)) {
        return fail("not a signal number");
    }
    if (holder->phase != HOLDER_RUNNING) {
        return fail("nothing runs");
    }
    // The main child is not reaped: its pid cannot be somebody else's.
    return kill(holder->main, (int)number) < 0 ? fail("cannot signal process %d: %m", (int)holder->main) : 0;
}

static void tell_status(const struct holder *holder, char answer[HOLDER_ANSWER_MAX])
{
    switch (holder->phase) {
    case HOLDER_RESTORING:
        snprintf(answer, HOLDER_ANSWER_MAX, "ok restoring %s", holder->operation);
        break;
    case HOLDER_RUNNING:
        snprintf(answer, HOLDER_ANSWER_MAX, "ok running %d", (int)holder->main);
        break;
    case HOLDER_OVER:
        snprintf(answer, HOLDER_ANSWER_MAX, "ok ended %d", holder->code);
        break;
    default:
        snprintf(answer, HOLDER_ANSWER_MAX, "ok waiting %d", (left_ms(holder->deadline) + 999) / 1000);
        break;
    }
}

void holder_obey(struct holder *holder, char *command, char answer[HOLDER_ANSWER_MAX])
{
    char *arguments = strchr(command, ' ');
    static char none[] = "";
    if (arguments == NULL) {
        arguments = none;
    } else {
        *arguments++ = '\0';
    }
    int done;
    if (strcmp(command, "status") == 0) {
        tell_status(holder, answer);
        return;
    }
    if (strcmp(command, "restoring") == 0) {
        done = begin(holder, arguments);
    } else if (strcmp(command, "main") == 0) {
        done = adopt(holder, arguments);
    } else if (strcmp(command, "retract") == 0) {
        done = retract(holder, arguments);
    } else if (strcmp(command, "abandon") == 0) {
        done = abandon(holder, arguments);
    } else if (strcmp(command, "cold") == 0) {
        done = start_cold(holder);
    } else if (strcmp(command, "signal") == 0) {
        done = pass_signal(holder, arguments);
    } else {
        done = fail("unknown command");
    }
    snprintf(answer, HOLDER_ANSWER_MAX, done < 0 ? "error %s" : "ok", failure());
}

void holder_take_signal(struct holder *holder, int signal_number)
{
    if (holder->phase == HOLDER_RUNNING) {
        if (signals_is_handed_on(signal_number)) {
            (void)kill(holder->main, signal_number);
        }
    } else if (holder->phase <= HOLDER_RESTORING && signals_is_ending(signal_number)) {
        report("ended by signal %d before anything was restored", signal_number);
        end(holder, 128 + signal_number);
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
            end(holder, ending_code(ending_of_status(status)));
        } else if (holder->phase == HOLDER_RESTORING) {
            endings_add(&holder->early, pid, ending_of_status(status));
        }
    }
}

static void give_up(struct holder *holder, const char *reason)
{
    bool alone = holder->phase == HOLDER_WAITING || clear() == 0;
    if (holder->options->cold_start && alone) {
        report("%s: starting %.256s instead", reason, holder->options->command[0]);
        enter_phase(holder, HOLDER_COLD);
    } else {
        report("%s: giving up", reason);
        end(holder, HOLDER_GAVE_UP);
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
