#pragma once

#include <stddef.h>

enum {
    TAKES_MOST = 256,       // mounts of one container
    TAKE_NAME_LONGEST = 64, // bytes
};

// A mount of the target that CRIU needs: `path` as the target sees it, which appears as STAGE/`name`.
struct take {
    const char *path;
    char name[TAKE_NAME_LONGEST + 1];
    int tree; // a detached copy of the mount, or -1
};

// Parses PATH=NAME, at the last equals sign.
int take_parse(const char *text, struct take *take);

// Copies each mount, without the ones below it. The caller is in the target's mount namespace; `root` is the target's root
// directory: no link leads out of it. Read-only mounts stay so.
int takes_copy(struct take *takes, size_t count, int root);

// Attaches the copies below `stage`, where a small tmpfs is mounted first.
int takes_attach(struct take *takes, size_t count, const char *stage);
