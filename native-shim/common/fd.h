#pragma once

#include <stddef.h>

// Writes everything, EINTR looped. 0, or -1 with errno (failure() is not touched).
int fd_write_all(int fd, const void *data, size_t length);

// Closes *fd when it is open and marks it as closed (-1).
void fd_close(int *fd);

// Sets or clears O_NONBLOCK on the open file description.
int fd_set_nonblocking(int fd, int on);

// Closes every descriptor from `first` on, but not the `count` ones in `keep`; those become close-on-exec.
int fd_close_all_but(int first, const int *keep, size_t count);

// Makes `from` the descriptor `to` without close-on-exec; works when both are the same.
int fd_give(int from, int to);
