#include "common/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "common/failure.h"

int fd_write_all(int fd, const void *data, size_t length)
{
    const char *at = data;
    while (length > 0) {
        ssize_t written = write(fd, at, length);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -1;
        }
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

void fd_close(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

int fd_set_nonblocking(int fd, int on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) {
        return fail("cannot read the flags of descriptor %d: %m", fd);
    }
    flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (fcntl(fd, F_SETFL, flags) < 0) {
        return fail("cannot set the flags of descriptor %d: %m", fd);
    }
    return 0;
}

int fd_close_all_but(int first, const int *keep, size_t count)
{
    unsigned int start = (unsigned int)first;
    for (;;) {
        unsigned int next = UINT_MAX; // the lowest kept descriptor that is not passed yet
        for (size_t i = 0; i < count; i++) {
            if (keep[i] >= 0 && (unsigned int)keep[i] >= start && (unsigned int)keep[i] < next) {
                next = (unsigned int)keep[i];
            }
        }
        if (next > start && close_range(start, next == UINT_MAX ? UINT_MAX : next - 1, 0) < 0) {
            return fail("cannot close inherited descriptors: %m");
        }
        if (next == UINT_MAX) {
            return 0;
        }
        if (fcntl((int)next, F_SETFD, FD_CLOEXEC) < 0) {
            return fail("descriptor %u is not open: %m", next);
        }
        start = next + 1;
    }
}

int fd_give(int from, int to)
{
    if (from == to) {
        int flags = fcntl(from, F_GETFD);
        if (flags < 0 || fcntl(from, F_SETFD, flags & ~FD_CLOEXEC) < 0) {
            return fail("cannot pass descriptor %d on: %m", from);
        }
        return 0;
    }
    if (dup2(from, to) < 0) {
        return fail("cannot make descriptor %d of %d: %m", to, from);
    }
    return 0;
}
