#include "init/endings.h"

void endings_add(struct endings *endings, pid_t pid, struct ending ending)
{
    size_t at = endings->count++ % ENDINGS_MOST;
    endings->list[at].pid = pid;
    endings->list[at].ending = ending;
}

const struct ending *endings_find(const struct endings *endings, pid_t pid)
{
    // From the newest on: a pid may have been used twice.
    size_t kept = endings->count < ENDINGS_MOST ? endings->count : ENDINGS_MOST;
    for (size_t back = 1; back <= kept; back++) {
        size_t at = (endings->count - back) % ENDINGS_MOST;
        if (endings->list[at].pid == pid) {
            return &endings->list[at].ending;
        }
    }
    return NULL;
}
