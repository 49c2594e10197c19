#pragma once

#include <stdint.h>

// Whether the pid is, right now, the process that started at this time (clock ticks since boot). -1 with failure() when not.
int target_check(int pid, int64_t start_time);
