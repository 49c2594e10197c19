#pragma once

#include <stdbool.h>
#include <sys/types.h>

// Sends a signal to every direct child of this process. Their own children come up to us when they die.
void children_signal(int signal_number);

// Whether the pid namespace whose PID 1 we are holds any other process, children or not (somebody may
// have entered it: a CRIU that dumps the tree must be left to finish).
bool children_namespace_is_shared(void);

// Whether `pid` is a child of this process that is not reaped yet.
bool children_has(pid_t pid);
