#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/failure.h"
#include "common/text.h"
#include "init/children.h"
#include "init/holder.h"

enum {
    RETRACTED_MS = 60000, // who retracts abandons at once; a minute is somebody who died
    PID_MOST = 4194304,   // the kernel's PID_MAX_LIMIT
    RESTORE_MOST_SECONDS = 86400,
};

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
        holder->waiting_ms = left_ms(holder->deadline);
        snprintf(holder->operation, sizeof holder->operation, "%s", arguments);
        holder_enter(holder, HOLDER_RESTORING);
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
    holder_enter(holder, HOLDER_RUNNING);
    if (early != NULL) {
        holder_end(holder, ending_code(*early));
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
    holder_enter(holder, HOLDER_RESTORING);
    return 0;
}

static int abandon(struct holder *holder, const char *operation)
{
    if (holder->phase == HOLDER_WAITING || strcmp(operation, holder->operation) != 0) {
        return fail("no such restore");
    }
    if (holder_clear() < 0) {
        return -1;
    }
    holder->main = 0;
    holder->deadline = now_ms() + holder->waiting_ms;
    holder_enter(holder, HOLDER_WAITING);
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
    holder_enter(holder, HOLDER_COLD);
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
