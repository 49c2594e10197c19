#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "init/ending.h"

enum { ENDINGS_MOST = 64 }; // children that ended while CRIU ran; one of them may turn out to be the root

// How children ended that nobody has asked for yet. The table keeps the last ones.
struct endings {
    struct {
        pid_t pid;
        struct ending ending;
    } list[ENDINGS_MOST];
    size_t count; // all that were seen
};

void endings_add(struct endings *endings, pid_t pid, struct ending ending);

// How `pid` ended, or NULL when it is not in the table.
const struct ending *endings_find(const struct endings *endings, pid_t pid);
