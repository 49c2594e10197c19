#pragma once

#include "hook/request.h"

// Asks the engine and waits for its word: 0 for "go", -1 for everything else, the deadline included.
int hook_exchange(const struct hook_request *request);
