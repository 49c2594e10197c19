#pragma once

#include "init/options.h"

enum { ENTER_FAILED = 125 }; // our own failure, beside 126/127 (the command cannot run) and the command's codes

// Runs the command in the pid and mount namespaces of a process. What to exit with.
int enter(const struct enter_options *options);
