#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/maps.h"
#include "init/takes.h"
#include "init/target.h"

enum {
    OPERATION_LONGEST = 64, // characters of an operation id
    CGROUPS_MOST = 16, // cgroup v1 has about a dozen hierarchies, each with its own cgroup.procs
    FREEZERS_MOST = 128, // a pod has 64 containers at most, and hybrid cgroups two freezers each
};

// The command line of `checkpointer-init restore`, checked.
struct restore_options {
    const char *operation;
    const char *state;                      // absolute path of the state directory
    bool pid_namespace;
    int64_t last_pid;                       // ns_last_pid before CRIU starts, or -1
    const char *cgroups[CGROUPS_MOST];      // cgroup.procs files to join
    size_t cgroup_count;
    int into;                               // PID 1 of the placeholder to restore into, or 0
    struct target target;                   // opened by launch()
    const char *stage;                      // directory at which the taken mounts are found, or NULL
    struct take takes[TAKES_MOST];
    size_t take_count;
    int64_t deadline_ms;                    // how long `start` is waited for
    struct map maps[MAPS_MOST];
    size_t map_count;
    char **command;                         // CRIU and its arguments, ended by NULL
    size_t command_count;
};

// The command line of `checkpointer-init enter`.
struct enter_options {
    int pid;
    char **command;
};

// The command line of `checkpointer-init hold`.
struct hold_options {
    int64_t deadline_ms; // how long a restore is waited for
    bool cold_start;     // at the deadline the command is started
    char **command;      // ended by NULL, or NULL when there is none
};

// The command line of `checkpointer-init clear`.
struct clear_options {
    int into;
    const char *operation;
};

// The command line of `checkpointer-init guard`.
struct guard_options {
    const char *operation;
    const char *freezers[FREEZERS_MOST]; // absolute paths
    size_t freezer_count;
};

int restore_options_parse(int count, char **arguments, struct restore_options *options);
int enter_options_parse(int count, char **arguments, struct enter_options *options);
int hold_options_parse(int count, char **arguments, struct hold_options *options);
int clear_options_parse(int count, char **arguments, struct clear_options *options);
int guard_options_parse(int count, char **arguments, struct guard_options *options);

// The command line of `checkpointer-init detach`: nothing but "--" and the command.
int detach_options_parse(int count, char **arguments, char ***command);
