#pragma once

#include <stdbool.h>

#include "gpu/cuda_abi.h"

enum { UUID_TEXT = 41 }; // "GPU-" or "MIG-", 36 characters, and the final zero

// Parses "GPU-8-4-4-4-12" or "MIG-8-4-4-4-12" (hexadecimal) into bytes in textual order.
bool uuid_parse(const char *text, struct cuda_uuid *uuid);

// Writes "GPU-..." into `text`, which has UUID_TEXT bytes.
void uuid_print(const struct cuda_uuid *uuid, char *text);
