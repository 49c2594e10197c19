#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/maps.h"

enum {
    CGROUPS_MOST = 16, // cgroup v1 has about a dozen hierarchies, each with its own cgroup.procs
};

// The command line of `checkpointer-init restore`, checked but with nothing opened yet.
struct restore_options {
    const char *operation;
    const char *state;                      // absolute path of the state directory
    bool pid_namespace;
    int64_t last_pid;                       // ns_last_pid before CRIU starts, or -1
    const char *cgroups[CGROUPS_MOST];      // cgroup.procs files to join
    size_t cgroup_count;
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

int restore_options_parse(int count, char **arguments, struct restore_options *options);
int enter_options_parse(int count, char **arguments, struct enter_options *options);

// The command line of `checkpointer-init detach`: nothing but "--" and the command.
int detach_options_parse(int count, char **arguments, char ***command);
