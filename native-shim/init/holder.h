#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/failure.h"
#include "init/endings.h"
#include "init/options.h"

enum {
    HOLDER_GAVE_UP = 75,                 // exit code when nothing was restored in time (EX_TEMPFAIL)
    HOLDER_ANSWER_MAX = FAILURE_MAX + 64, // bytes of one answer
};

enum holder_phase {
    HOLDER_WAITING,   // for a restore
    HOLDER_RESTORING, // somebody builds a tree in our pid namespace
    HOLDER_RUNNING,   // the main child runs
    HOLDER_OVER,      // we end, with `code`
    HOLDER_COLD,      // we become the command
};

// PID 1 of a placeholder. It is told what happens by hold.c and door.c, and decides.
struct holder {
    const struct hold_options *options;
    enum holder_phase phase;
    char operation[OPERATION_LONGEST + 1]; // of the restore that runs, or that made what runs
    pid_t main;
    int code;
    int64_t deadline;         // when we stop waiting
    int waiting_ms;           // what was left of it when a restore began: that time does not count
    int64_t restore_deadline; // when a restore that was begun is given up
    struct endings early;     // children that ended before we were told which one is the main one
};

void holder_init(struct holder *holder, const struct hold_options *options);

// Obeys one command and writes what to answer: "ok ..." or "error TEXT".
void holder_obey(struct holder *holder, char *command, char answer[HOLDER_ANSWER_MAX]);

// Changes the phase; whoever looks at the process list sees it.
void holder_enter(struct holder *holder, enum holder_phase phase);

// We end with this code.
void holder_end(struct holder *holder, int code);

// Kills everybody in the namespace but us, until we are alone. Others than our children, too: a CRIU whose parent is outside.
int holder_clear(void);

// A signal that was sent to us.
void holder_take_signal(struct holder *holder, int signal_number);

// Reaps whatever has died, and draws the conclusions.
void holder_reap(struct holder *holder);

// Gives up when a deadline has passed.
void holder_tick(struct holder *holder);

// How long poll() may sleep: -1 for ever.
int holder_patience_ms(const struct holder *holder);
