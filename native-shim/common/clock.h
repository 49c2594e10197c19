#pragma once

#include <stdint.h>

// Milliseconds of a clock that never jumps; only differences mean anything.
int64_t now_ms(void);

// What is left until `deadline`, fit for poll(): 0 when it has passed, at most one hour.
int left_ms(int64_t deadline);
