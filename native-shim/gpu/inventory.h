#pragma once

#include <stdint.h>

// Prints one JSON object about the GPUs that NVML knows, or {"error":...}. A child calls NVML; it is killed after
// the deadline, because a wedged driver never answers. 0; 1 when there is no inventory.
int inventory(const char *library, int64_t deadline_ms);
