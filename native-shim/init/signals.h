#pragma once

#include <signal.h>
#include <stdbool.h>

// What a program was started with.
struct signals_saved {
    sigset_t blocked;
    sigset_t ignored;
};

// Reads the signal state that this process came with; before anything changes it.
void signals_save(struct signals_saved *saved);

// Gives the state back, for an exec: the program starts as if we had not been there.
void signals_return(const struct signals_saved *saved);

// Gives every signal its default action: ignored ones would otherwise be inherited by CRIU.
void signals_reset_actions(void);

// Blocks everything that is not a fault of this very program, so that signals arrive only where they are
// read. As PID 1 too: the kernel drops unhandled signals for PID 1, but keeps blocked ones.
int signals_block(void);

// A descriptor (close-on-exec, non-blocking) that delivers SIGCHLD and the forwarded signals.
int signals_open(void);

// The same with everything that signals_block() blocks: for a PID 1 that hands on whatever a stop signal may be.
int signals_open_all(void);

// The set that signals_open() delivers.
void signals_watched(sigset_t *set);

// Whether the owner passes this signal on to the tree.
bool signals_is_forwarded(int signal_number);

// Whether a PID 1 that stands for the tree passes this signal on: all that somebody may send on purpose.
bool signals_is_handed_on(int signal_number);

// Whether this signal asks a program to end.
bool signals_is_ending(int signal_number);

// For a child between fork and exec: no signal blocked, every action the default.
void signals_restore_for_child(void);
