#pragma once

#include "init/holder.h"

enum {
    DOOR_FD = 64,            // where the outer end lies: whoever may take descriptors of PID 1 finds it there
    DOOR_MESSAGE_MOST = 256, // bytes of one request, a final zero included
    DOOR_AT_ONCE = 16,       // requests that are served before others have their turn
};

// A pair of connected sockets of which both ends are ours. The engine takes a duplicate of the outer one (pidfd_getfd), so that no
// name in any namespace leads here. Returns the inner end, non-blocking, or -1.
int door_open(void);

// Serves the requests that lie in the inner end.
void door_serve(int inner, struct holder *holder);
