#pragma once

#include "init/options.h"
#include "init/state_dir.h"

// Owns the tree until nothing of it is left. Returns what to exit with.
int loop_run(struct restore_options *options, struct state_dir *state, int signals);
