#pragma once

#include "init/options.h"

enum { GUARD_FAILED = 125 };

// Thaws cgroups that an engine has frozen, when it is done or has died: `checkpointer-init guard`. Returns the exit code.
int guard(const struct guard_options *options);
