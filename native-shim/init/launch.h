#pragma once

#include "init/options.h"

// Opens everything, starts the owner in the background and waits until it listens. What to exit with.
int launch(struct restore_options *options);
