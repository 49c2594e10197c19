#pragma once

#include "gpu/request.h"

// The disposable child: answers requests that come as packets on `channel` until it is closed. Loads the CUDA
// driver itself, with the first request. Each answer is any number of packets "item ..." and one "ok ..." or
// "error KIND ...". Never returns.
_Noreturn void execute_requests(int channel, const char *library);
