#pragma once

#include <sys/types.h>

#include "init/options.h"

// Starts CRIU with its environment as we got it, its output in `output`, the maps' descriptors open and
// named by --inherit-fd, in a session of its own (a tree without a session leader stays in CRIU's, and
// its kill(0) must not reach us). The pid, or -1.
pid_t criu_start(const struct restore_options *options, int output);

// Checks what can be checked before anything is started.
int criu_check(const struct restore_options *options);
