#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/clients.h"
#include "init/drain.h"
#include "init/ending.h"
#include "init/endings.h"
#include "init/options.h"
#include "init/state_dir.h"

enum owner_phase {
    OWNER_WAITING,   // for `start`
    OWNER_RESTORING, // CRIU runs
    OWNER_RUNNING,   // the tree runs
    OWNER_OVER,      // the root has ended; others of the tree may live
};

// The owner of one restored tree. It is told what happens by loop.c and commands.c, and decides.
struct owner {
    struct restore_options *options;
    struct state_dir *state;
    struct clients clients;
    struct drain drain;
    enum owner_phase phase;
    bool abandoning;        // everything is being killed
    bool childless;         // as of the last reap
    bool begun;             // a placeholder stands in our restore
    bool cleared;           // and was told that nothing comes
    pid_t criu;
    pid_t root;             // in a placeholder: the number that it sees
    struct target_names placeholder_names; // before CRIU
    struct ending criu_ending;
    struct ending root_ending;
    int64_t start_deadline;
    int64_t kill_deadline;  // while abandoning: when we stop waiting for the dying
    struct endings early;   // children that ended while CRIU ran
};

void owner_init(struct owner *owner, struct restore_options *options, struct state_dir *state);

// Starts CRIU. -1 (failure()) when it was started before, or could not be started: then everything is given up.
int owner_start(struct owner *owner);

// Sends a signal to the root.
int owner_signal(struct owner *owner, int signal_number);

// Kills everything that belongs to this tree, CRIU included.
void owner_abandon(struct owner *owner, const char *reason);

// A signal that was sent to the owner itself.
void owner_take_signal(struct owner *owner, int signal_number);

// Reaps whatever has died, and draws the conclusions.
void owner_reap(struct owner *owner);

// Lets time do its work: the start deadline, and killing again what was born while we killed.
void owner_tick(struct owner *owner);

// How long poll() may sleep: -1 for ever.
int owner_patience_ms(const struct owner *owner);

// Whether nothing is left to own.
bool owner_is_done(struct owner *owner);

// What the owner exits with.
int owner_exit_code(const struct owner *owner);
