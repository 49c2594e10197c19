#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "init/takes.h"

enum {
    TARGET_ANSWER_MAX = 640, // bytes of what hold answers, its end included
    TARGET_NAME_MAX = 65,    // bytes of a host or domain name, its end included
};

// What a UTS namespace calls its machine.
struct target_names {
    char host[TARGET_NAME_MAX];
    char domain[TARGET_NAME_MAX];
};

// A placeholder: a container whose PID 1 is `checkpointer-init hold`, as somebody outside of it sees it.
struct target {
    int process;      // pidfd of its PID 1
    int root;         // its root directory, O_PATH
    int door;         // a duplicate of its descriptor 64
    struct stat pids; // identity of its pid namespace
};

// Opens the placeholder whose PID 1 has this pid here, and asks it for its status: -1 when it is none.
int target_open(int pid, struct target *target);

// Says a command to hold. 0 and what came after "ok", or -1 (failure()) when it refused, or did not answer in time.
int target_ask(const struct target *target, const char *command, char answer[TARGET_ANSWER_MAX]);

// Sees to it that hold stands in the restore of this operation, which the engine may have said already.
int target_begin(const struct target *target, const char *operation);

// What this process forks from now on lives in the target's pid namespace.
int target_adopt_pids(const struct target *target);

// Sets ns_last_pid of the target's pid namespace; after target_adopt_pids().
int target_set_last_pid(int64_t last_pid);

// Reads, and sets, the names of the target's UTS namespace: CRIU overwrites them when it joins one.
int target_get_names(const struct target *target, struct target_names *names);
int target_set_names(const struct target *target, const struct target_names *names);

// Tells hold that this operation's restore is over. Where target_begin() has made it ours (`begun`), everybody in the target's pid
// namespace but PID 1 is killed first. Another's restore is left alone, and so is what runs, unless it is `root`. After
// target_adopt_pids().
int target_clear(const struct target *target, const char *operation, bool begun, int root);

// For a child that target_adopt_pids() put into the pid namespace: the target's cgroup namespace, a mount namespace of its own
// that shows our mounts, and at `stage` a tmpfs with the taken mounts.
int target_enter(const struct target *target, const char *stage, const struct take *takes, size_t count);
