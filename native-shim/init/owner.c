#include "init/owner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/failure.h"
#include "init/children.h"
#include "init/criu.h"
#include "init/namespaces.h"
#include "init/signals.h"

enum {
    KILL_AGAIN_MS = 50,         // killing is repeated: a process may fork between the list and the kill
    KILL_PATIENCE_MS = 30000,   // a task in uninterruptible sleep may never die; we do not wait for ever
    NAMESPACE_LOOK_MS = 100,    // processes that entered our namespace are nobody's SIGCHLD here: look again
    REPORT_MAX = 64,            // bytes of a report line
};

void owner_init(struct owner *owner, struct restore_options *options, struct state_dir *state)
{
    *owner = (struct owner){
        .options = options,
        .state = state,
        .childless = true,
        .start_deadline = now_ms() + options->deadline_ms,
    };
    drain_init(&owner->drain, &state->output, options->maps, options->map_count);
}

static int prepare_start(struct owner *owner)
{
    const struct restore_options *options = owner->options;
    bool into = options->into != 0;
    if (into) {
        if (target_begin(&options->target, options->operation) < 0) {
            return -1;
        }
        owner->begun = true;
        if (target_get_names(&options->target, &owner->placeholder_names) < 0) {
            return -1;
        }
    }
    if (options->last_pid < 0) {
        return 0;
    }
    return into ? target_set_last_pid(options->last_pid) : namespaces_set_last_pid(options->last_pid);
}

int owner_start(struct owner *owner)
{
    if (owner->abandoning) {
        return fail("abandoned");
    }
    if (owner->phase != OWNER_WAITING) {
        return fail("already started");
    }
    pid_t pid = prepare_start(owner) < 0 ? -1 : criu_start(owner->options, owner->state->criu_output);
    if (pid < 0) {
        char reason[FAILURE_MAX];
        snprintf(reason, sizeof reason, "%s", failure()); // giving up may fail, too
        owner_abandon(owner, reason);
        return fail("%s", reason);
    }
    owner->criu = pid;
    owner->phase = OWNER_RESTORING;
    owner->childless = false;
    return 0;
}

static int signal_placeholder(const struct owner *owner, int signal_number)
{
    char command[32];
    char answer[TARGET_ANSWER_MAX];
    snprintf(command, sizeof command, "signal %d", signal_number);
    return target_ask(&owner->options->target, command, answer);
}

int owner_signal(struct owner *owner, int signal_number)
{
    if (owner->phase != OWNER_RUNNING) {
        return fail("no root to signal");
    }
    if (owner->options->into != 0) {
        return signal_placeholder(owner, signal_number);
    }
    // The root is our child and not reaped: its pid cannot be somebody else's.
    if (kill(owner->root, signal_number) < 0) {
        return fail("cannot signal the root: %m");
    }
    return 0;
}

// What CRIU has built in a placeholder comes down to hold when CRIU is dead, not to us.
static void empty_placeholder(struct owner *owner)
{
    if (owner->criu > 0) {
        (void)kill(owner->criu, SIGKILL);
    } else if (!owner->cleared) {
        owner->cleared = true;
        if (target_clear(&owner->options->target, owner->options->operation, owner->begun, owner->root) < 0) {
            report("%s", failure());
        }
    }
}

static void kill_all(struct owner *owner)
{
    if (owner->options->into != 0) {
        empty_placeholder(owner);
    } else if (owner->options->pid_namespace) {
        (void)kill(-1, SIGKILL); // everybody in the namespace but us
    } else {
        children_signal(SIGKILL); // theirs come up to us when they die, and are next
    }
}

void owner_abandon(struct owner *owner, const char *reason)
{
    if (!owner->abandoning) {
        report("giving up: %s", reason);
        owner->abandoning = true;
        owner->kill_deadline = now_ms() + KILL_PATIENCE_MS;
    }
    kill_all(owner);
}

void owner_take_signal(struct owner *owner, int signal_number)
{
    if (owner->abandoning || !signals_is_forwarded(signal_number)) {
        return;
    }
    switch (owner->phase) {
    case OWNER_WAITING:
    case OWNER_RESTORING:
        if (signals_is_ending(signal_number)) {
            owner_abandon(owner, "a signal asked for it");
        }
        break;
    case OWNER_RUNNING:
        (void)owner_signal(owner, signal_number);
        break;
    case OWNER_OVER:
        children_signal(signal_number);
        break;
    }
}

static void root_ended(struct owner *owner, struct ending ending)
{
    owner->root_ending = ending;
    owner->phase = OWNER_OVER;
    drain_flush(&owner->drain); // the log is whole before anybody hears of the end
    if (state_dir_write_exit(owner->state, ending) < 0) {
        report("%s", failure());
    }
    char line[ENDING_TEXT_MAX];
    (void)ending_line(ending, line);
    clients_send_all(&owner->clients, line);
}

static void tell_root(struct owner *owner, int pid)
{
    owner->root = pid;
    owner->phase = OWNER_RUNNING;
    maps_close_tree_ends(owner->options->maps, owner->options->map_count);
    char line[REPORT_MAX];
    snprintf(line, sizeof line, "root %d\n", pid);
    clients_send_starter(&owner->clients, line);
}

// The root is hold's child: hold answers for it from here on.
static int hand_over_root(struct owner *owner)
{
    char command[32];
    char answer[TARGET_ANSWER_MAX];
    int pid = state_dir_read_restored_pid(owner->state);
    if (pid < 0) {
        return -1;
    }
    snprintf(command, sizeof command, "main %d", pid);
    if (target_set_names(&owner->options->target, &owner->placeholder_names) < 0
        || target_ask(&owner->options->target, command, answer) < 0) {
        return -1;
    }
    tell_root(owner, pid);
    return 0;
}

static int take_root(struct owner *owner)
{
    int pid = state_dir_read_restored_pid(owner->state);
    if (pid < 0) {
        return -1;
    }
    const struct ending *early = endings_find(&owner->early, pid);
    if (early == NULL && !children_has(pid)) {
        return fail("process %d, which CRIU names as the root, is not ours", pid);
    }
    tell_root(owner, pid);
    if (early != NULL) {
        root_ended(owner, *early);
    }
    return 0;
}

static void criu_ended(struct owner *owner)
{
    char line[REPORT_MAX];
    snprintf(line, sizeof line, "criu %d\n", ending_code(owner->criu_ending));
    owner->criu = 0;
    if (ending_code(owner->criu_ending) != 0 || owner->abandoning) {
        owner_abandon(owner, "CRIU failed"); // kills what is left, before anybody can hear of the failure
        clients_send_starter(&owner->clients, line);
        return;
    }
    clients_send_starter(&owner->clients, line);
    if ((owner->options->into != 0 ? hand_over_root(owner) : take_root(owner)) < 0) {
        char problem[FAILURE_MAX + 16];
        snprintf(problem, sizeof problem, "error %s\n", failure());
        owner_abandon(owner, failure());
        clients_send_starter(&owner->clients, problem);
    }
}

void owner_reap(struct owner *owner)
{
    bool has_criu_ended = false;
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            owner->childless = pid < 0 && errno == ECHILD;
            break;
        }
        if (pid == owner->criu) {
            owner->criu_ending = ending_of_status(status);
            has_criu_ended = true;
        } else if (pid == owner->root && owner->phase == OWNER_RUNNING && owner->options->into == 0) {
            root_ended(owner, ending_of_status(status));
        } else if (owner->phase == OWNER_RESTORING) {
            endings_add(&owner->early, pid, ending_of_status(status));
        }
    }
    if (has_criu_ended) {
        criu_ended(owner);
    }
}

void owner_tick(struct owner *owner)
{
    if (owner->abandoning) {
        kill_all(owner);
    } else if (owner->phase == OWNER_WAITING && now_ms() >= owner->start_deadline) {
        owner_abandon(owner, "nobody said start in time");
    }
}

int owner_patience_ms(const struct owner *owner)
{
    if (owner->abandoning) {
        return KILL_AGAIN_MS;
    }
    if (owner->phase == OWNER_WAITING) {
        return left_ms(owner->start_deadline);
    }
    if (owner->phase == OWNER_OVER && owner->childless) {
        return NAMESPACE_LOOK_MS;
    }
    return -1;
}

bool owner_is_done(struct owner *owner)
{
    if (owner->options->into != 0 && owner->phase == OWNER_RUNNING && !owner->abandoning) {
        return !clients_any(&owner->clients); // hold has the tree; who asked for it has heard so
    }
    if (!owner->abandoning && owner->phase != OWNER_OVER) {
        return false;
    }
    if (owner->abandoning && now_ms() >= owner->kill_deadline) {
        report("processes are left that do not die");
        return true;
    }
    return owner->childless && !(owner->options->pid_namespace && children_namespace_is_shared());
}

int owner_exit_code(const struct owner *owner)
{
    return owner->abandoning ? 1 : ending_code(owner->root_ending);
}
