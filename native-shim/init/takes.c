#include "init/takes.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"
#include "common/text.h"

// The kernel's constants under names of our own: older C libraries do not have them, newer ones define them twice.
enum {
    TREE_CLONE = 1,           // OPEN_TREE_CLONE
    TREE_CLOEXEC = O_CLOEXEC, // OPEN_TREE_CLOEXEC
    FROM_EMPTY_PATH = 4,      // MOVE_MOUNT_F_EMPTY_PATH
    IS_MOUNT_ROOT = 0x2000,   // STATX_ATTR_MOUNT_ROOT
    STAGE_MODE = 0700,
};

int take_parse(const char *text, struct take *take)
{
    const char *equals = strrchr(text, '=');
    if (text[0] != '/' || equals == NULL) {
        return fail("--take: not /PATH=NAME: %s", text);
    }
    const char *name = equals + 1;
    if (!text_is_word(name, TAKE_NAME_LONGEST) || name[0] == '.') {
        return fail("--take: not a name: %s", name);
    }
    take->path = strndup(text, (size_t)(equals - text));
    if (take->path == NULL) {
        return fail("no memory for a path: %m");
    }
    snprintf(take->name, sizeof take->name, "%s", name);
    take->tree = -1;
    return 0;
}

// Without asking a server that may be dead: only what a mount point is matters.
static int look(int place, struct statx *found)
{
    return statx(place, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, found);
}

static int copy_one(struct take *take, int root)
{
    struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
    int place = (int)syscall(SYS_openat2, root, take->path, &how, sizeof how);
    if (place < 0) {
        return fail("cannot find %.256s in the target: %m", take->path);
    }
    struct statx found;
    bool known = look(place, &found) == 0 && (found.stx_attributes_mask & IS_MOUNT_ROOT) != 0;
    if (known && (found.stx_attributes & IS_MOUNT_ROOT) == 0 && strcmp(take->path, "/") != 0) {
        close(place); // a copy would show a part of the mount that lies there instead
        return fail("nothing is mounted at %.256s in the target", take->path);
    }
    take->tree = (int)syscall(SYS_open_tree, place, "", AT_EMPTY_PATH | TREE_CLONE | TREE_CLOEXEC);
    if (take->tree < 0) {
        fail("cannot copy the mount at %.256s: %m", take->path);
    }
    close(place);
    return take->tree < 0 ? -1 : 0;
}

int takes_copy(struct take *takes, size_t count, int root)
{
    for (size_t i = 0; i < count; i++) {
        if (copy_one(&takes[i], root) < 0) {
            return -1;
        }
    }
    return 0;
}

static int attach_one(struct take *take, int stage)
{
    struct statx found;
    if (look(take->tree, &found) < 0) {
        return fail("cannot stat the copy of %.256s: %m", take->path);
    }
    // A directory for a directory, an empty file for anything else.
    int made = S_ISDIR(found.stx_mode) ? mkdirat(stage, take->name, STAGE_MODE)
                                       : mknodat(stage, take->name, S_IFREG | STAGE_MODE, 0);
    if (made < 0) {
        return fail("cannot make the place %s for %.256s: %m", take->name, take->path);
    }
    if (syscall(SYS_move_mount, take->tree, "", stage, take->name, FROM_EMPTY_PATH) < 0) {
        return fail("cannot attach the copy of %.256s: %m", take->path);
    }
    fd_close(&take->tree);
    return 0;
}

int takes_attach(struct take *takes, size_t count, const char *stage)
{
    if (mount("tmpfs", stage, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0) {
        return fail("cannot mount a tmpfs at %.256s: %m", stage);
    }
    int directory = open(stage, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return fail("cannot open %.256s: %m", stage);
    }
    int attached = 0;
    for (size_t i = 0; attached == 0 && i < count; i++) {
        attached = attach_one(&takes[i], directory);
    }
    close(directory);
    return attached;
}
