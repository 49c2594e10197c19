#pragma once

#include <stdint.h>

// For PID 1 of a fresh pid namespace: a mount namespace of its own (what the host mounts later still
// arrives, nothing goes back) with a /proc that shows the new pids.
int namespaces_own_mounts(void);

// The next process of this pid namespace gets `last_pid` + 1: keeps CRIU and its helpers off the pids of the tree.
int namespaces_set_last_pid(int64_t last_pid);

// Enters the pid namespace (for children) and the mount namespace (at once) of a process.
int namespaces_enter(int pid);
