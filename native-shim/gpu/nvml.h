#pragma once

#include "gpu/json.h"

// Reads everything that this NVML can say into `json` (one object). What it lacks or refuses is left out, but for
// the list of GPUs itself. -1 with failure() when there is none.
int nvml_inventory(const char *library, struct json *json);
