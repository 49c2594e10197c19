#include "init/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"
#include "common/text.h"
#include "common/unix_path.h"

static const char socket_name[] = "init.sock";
static const char pid_name[] = "restored.pid";
static const char exit_name[] = "exit";
static const char exit_temporary[] = "exit.tmp";

enum { PID_MOST = 4194304 }; // the kernel's PID_MAX_LIMIT

static int check_directory(int directory, const char *path)
{
    struct stat found;
    if (fstat(directory, &found) < 0) {
        return fail("cannot stat the state directory %.256s: %m", path);
    }
    if (found.st_uid != geteuid() || (found.st_mode & 077) != 0) {
        return fail("the state directory %.256s must be ours and closed to others (mode 0700)", path);
    }
    return 0;
}

static int open_appended(int directory, const char *name)
{
    int fd = openat(directory, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd < 0) {
        return fail("cannot open %s in the state directory: %m", name);
    }
    return fd;
}

static int remove_stale(int directory, const char *name)
{
    if (unlinkat(directory, name, 0) < 0 && errno != ENOENT) {
        return fail("cannot remove the old %s: %m", name);
    }
    return 0;
}

static int bind_socket(const char *path)
{
    char name[PATH_MAX];
    int length = snprintf(name, sizeof name, "%s/%s", path, socket_name);
    if (length < 0 || (size_t)length >= sizeof name) {
        return fail("the state directory's path is too long");
    }
    struct sockaddr_un address;
    int directory;
    if (unix_path_address(name, &address, &directory) < 0) {
        return -1;
    }
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) {
        fd_close(&directory);
        return fail("cannot make the control socket: %m");
    }
    mode_t mask = umask(0177); // bind() makes the name with mode 0777 & ~mask
    int bound = bind(listener, (const struct sockaddr *)&address, sizeof address);
    int reason = errno;
    umask(mask);
    fd_close(&directory);
    if (bound < 0) {
        close(listener);
        errno = reason;
        return fail("cannot bind %s in the state directory: %m", socket_name);
    }
    return listener;
}

int state_dir_open(const char *path, struct state_dir *state)
{
    *state = (struct state_dir){ .directory = -1, .listener = -1, .log = -1, .output = { .fd = -1 }, .criu_output = -1 };
    state->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state->directory < 0) {
        return fail("cannot open the state directory %.256s: %m", path);
    }
    if (check_directory(state->directory, path) < 0) {
        return -1;
    }
    state->log = open_appended(state->directory, "init.log");
    if (state->log < 0) {
        return -1;
    }
    if (flock(state->log, LOCK_EX | LOCK_NB) < 0) {
        return fail("the state directory %.256s has a living owner: %m", path);
    }
    if (remove_stale(state->directory, socket_name) < 0 || remove_stale(state->directory, pid_name) < 0
        || remove_stale(state->directory, exit_name) < 0) {
        return -1;
    }
    if (output_log_open(&state->output, state->directory) < 0) {
        return -1;
    }
    state->criu_output = open_appended(state->directory, "criu.err");
    if (state->criu_output < 0) {
        return -1;
    }
    state->listener = bind_socket(path);
    return state->listener < 0 ? -1 : 0;
}

int state_dir_read_restored_pid(const struct state_dir *state)
{
    int fd = openat(state->directory, pid_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return fail("cannot open %s: %m", pid_name);
    }
    char text[24];
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length < 0) {
        return fail("cannot read %s: %m", pid_name);
    }
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' ')) {
        length--;
    }
    text[length] = '\0';
    int64_t pid;
    if (!text_parse_number(text, 1, PID_MOST, &pid)) {
        return fail("%s holds no pid", pid_name);
    }
    return (int)pid;
}

int state_dir_write_exit(const struct state_dir *state, struct ending ending)
{
    char line[ENDING_TEXT_MAX];
    size_t length = ending_line(ending, line);
    if (remove_stale(state->directory, exit_temporary) < 0) {
        return -1;
    }
    int fd = openat(state->directory, exit_temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail("cannot write the exit file: %m");
    }
    int written = fd_write_all(fd, line, length);
    if (written < 0) {
        fail("cannot write the exit file: %m");
    }
    close(fd);
    if (written < 0) {
        return -1;
    }
    if (renameat(state->directory, exit_temporary, state->directory, exit_name) < 0) {
        return fail("cannot name the exit file: %m");
    }
    return 0;
}

void state_dir_remove_socket(const struct state_dir *state)
{
    (void)unlinkat(state->directory, socket_name, 0);
}
