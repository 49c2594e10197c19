#pragma once

#include "init/options.h"

enum { CLEAR_FAILED = 1 };

// Ends what an owner that died has left of a restore in a placeholder, and says what hold answers then. Returns what to exit with.
int clear_placeholder(const struct clear_options *options);
