#include "init/maps.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"
#include "common/text.h"

enum {
    PTY_ROWS = 24, // nobody looks at it: the size that programs assume when they are told nothing
    PTY_COLUMNS = 80,
    FD_MOST = 1 << 20,
};

static int parse_spec(const char *spec, struct map *map)
{
    static const struct {
        const char *word;
        enum map_kind kind;
    } plain[] = { { "log", MAP_LOG }, { "pty", MAP_PTY }, { "null-r", MAP_NULL_READ }, { "null-w", MAP_NULL_WRITE } };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(spec, plain[i].word) == 0) {
            map->kind = plain[i].kind;
            return 0;
        }
    }
    if (strncmp(spec, "file-r:/", 8) == 0 || strncmp(spec, "file-w:/", 8) == 0) {
        map->kind = spec[5] == 'r' ? MAP_FILE_READ : MAP_FILE_WRITE;
        map->path = spec + 7;
        return 0;
    }
    if (strncmp(spec, "file-rw:/", 9) == 0) {
        map->kind = MAP_FILE_BOTH;
        map->path = spec + 8;
        return 0;
    }
    int64_t number;
    if (strncmp(spec, "fd:", 3) == 0 && text_parse_number(spec + 3, 0, FD_MOST, &number)) {
        map->kind = MAP_FD;
        map->given = (int)number;
        return 0;
    }
    return fail("--map: not log, pty, null-r, null-w, file-r:/PATH, file-w:/PATH, file-rw:/PATH or fd:N: %s", spec);
}

int map_parse(const char *text, struct map *map)
{
    *map = (struct map){ .given = -1, .fd = -1, .source = -1 };
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return fail("--map: not KEY=SPEC: %s", text);
    }
    size_t length = (size_t)(equals - text);
    if (length > MAP_KEY_LONGEST) {
        return fail("--map: the key is longer than %d bytes", MAP_KEY_LONGEST);
    }
    memcpy(map->key, text, length);
    map->key[length] = '\0';
    return parse_spec(equals + 1, map);
}

// Moves a fresh descriptor up to where CRIU wants it.
static int place(struct map *map, int fd)
{
    map->fd = fcntl(fd, F_DUPFD_CLOEXEC, MAP_FD_BASE);
    close(fd);
    if (map->fd < 0) {
        return fail("cannot place the descriptor of %s: %m", map->key);
    }
    return 0;
}

static int open_file(struct map *map, const char *path, int flags)
{
    // Non-blocking, so that a fifo without its other end is an error or nothing at all, but never a hang.
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0) {
        return fail("cannot open %.256s for %s: %m", path, map->key);
    }
    if (fd_set_nonblocking(fd, 0) < 0) {
        close(fd);
        return -1;
    }
    return place(map, fd);
}

static int open_log(struct map *maps, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (maps[i].kind == MAP_LOG) {
            maps[index].fd = fcntl(maps[i].fd, F_DUPFD_CLOEXEC, MAP_FD_BASE);
            return maps[index].fd < 0 ? fail("cannot place the descriptor of %s: %m", maps[index].key) : 0;
        }
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return fail("cannot make the log pipe: %m");
    }
    maps[index].source = ends[0];
    if (place(&maps[index], ends[1]) < 0) {
        return -1;
    }
    return fd_set_nonblocking(ends[0], 1);
}

static int open_pty(struct map *map)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) {
        return fail("cannot open a pty: %m");
    }
    map->source = master;
    if (grantpt(master) < 0 || unlockpt(master) < 0) {
        return fail("cannot unlock the pty: %m");
    }
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        return fail("cannot open the pty's slave: %m");
    }
    struct winsize size = { .ws_row = PTY_ROWS, .ws_col = PTY_COLUMNS };
    struct termios modes;
    if (ioctl(slave, TIOCSWINSZ, &size) == 0 && tcgetattr(slave, &modes) == 0) {
        modes.c_oflag &= ~(tcflag_t)ONLCR; // the log is a file: its lines end in \n
        (void)tcsetattr(slave, TCSANOW, &modes);
    }
    if (place(map, slave) < 0) {
        return -1;
    }
    return fd_set_nonblocking(master, 1);
}

static int open_given(struct map *map)
{
    map->fd = fcntl(map->given, F_DUPFD_CLOEXEC, MAP_FD_BASE);
    if (map->fd < 0) {
        return fail("descriptor %d for %s is not open: %m", map->given, map->key);
    }
    return 0;
}

static int open_one(struct map *maps, size_t index)
{
    struct map *map = &maps[index];
    switch (map->kind) {
    case MAP_LOG:
        return open_log(maps, index);
    case MAP_PTY:
        return open_pty(map);
    case MAP_NULL_READ:
        return open_file(map, "/dev/null", O_RDONLY);
    case MAP_NULL_WRITE:
        return open_file(map, "/dev/null", O_WRONLY);
    case MAP_FILE_READ:
        return open_file(map, map->path, O_RDONLY);
    case MAP_FILE_WRITE:
        return open_file(map, map->path, O_WRONLY | O_APPEND | O_CREAT);
    case MAP_FILE_BOTH:
        return open_file(map, map->path, O_RDWR);
    case MAP_FD:
        return open_given(map);
    }
    return fail("unknown map kind");
}

int maps_open(struct map *maps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (open_one(maps, i) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (maps[i].kind == MAP_FD && maps[i].given > STDERR_FILENO) {
            fd_close(&maps[i].given);
        }
    }
    return 0;
}

void maps_close_tree_ends(struct map *maps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (maps[i].kind != MAP_PTY) {
            fd_close(&maps[i].fd);
        }
    }
}
