#pragma once

#include "init/options.h"
#include "init/signals.h"

enum { HOLD_FAILED = 1 };

// PID 1 of a placeholder: waits until something is restored into its pid namespace, then stands for it. Returns what to exit
// with, or becomes the command with the signal state in `saved`.
int hold(const struct hold_options *options, const struct signals_saved *saved);

// For an exec probe: 0 when PID 1 of this pid namespace is not one that still waits, else 1.
int hold_probe(void);
