#include "init/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failure.h"
#include "common/fd.h"
#include "common/text.h"
#include "init/cgroups.h"
#include "init/criu.h"
#include "init/loop.h"
#include "init/namespaces.h"
#include "init/signals.h"
#include "init/state_dir.h"

enum {
    READY_DEADLINE_MS = 30000, // a fork, a mount and a listen: half a minute is a machine that stands still
    MESSAGES_MAX = 2048,       // bytes that the background may tell the launcher
    PID_MOST = 4194304,        // the kernel's PID_MAX_LIMIT
};

// The launcher and its background talk by lines in a pipe: "pid N", then "ready" or "error TEXT".

static int tell(int pipe_fd, const char *word, const char *text)
{
    char line[FAILURE_MAX + 32];
    int length = snprintf(line, sizeof line, "%s %s\n", word, text);
    return fd_write_all(pipe_fd, line, (size_t)length); // shorter than PIPE_BUF: lines do not mix
}

_Noreturn static void tell_failure(int pipe_fd)
{
    (void)tell(pipe_fd, "error", failure());
    _exit(1);
}

static void tell_pid(int pipe_fd, pid_t pid)
{
    char text[24];
    snprintf(text, sizeof text, "%d", (int)pid);
    (void)tell(pipe_fd, "pid", text);
}

static int leave_launcher(const struct state_dir *state)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        return fail("cannot open /dev/null: %m");
    }
    if (fd_give(null, STDIN_FILENO) < 0 || fd_give(state->log, STDOUT_FILENO) < 0 || fd_give(state->log, STDERR_FILENO) < 0) {
        return -1;
    }
    close(null);
    return 0;
}

static int prepare_owner(const struct restore_options *options, const struct state_dir *state)
{
    if (options->pid_namespace) {
        (void)setsid(); // the launcher's session has no number in this namespace
        if (namespaces_own_mounts() < 0) {
            return -1;
        }
    } else if (options->into != 0) {
        if (target_adopt_pids(&options->target) < 0) {
            return -1;
        }
    } else if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        return fail("cannot become a subreaper: %m");
    }
    if (chdir("/") < 0) {
        return fail("cannot go to the root directory: %m");
    }
    // Here, not in the launcher: a client that asks for the peer's pid gets the owner's.
    if (listen(state->listener, SOMAXCONN) < 0) {
        return fail("cannot listen on the control socket: %m");
    }
    return leave_launcher(state);
}

_Noreturn static void be_owner(struct restore_options *options, struct state_dir *state, int signals, int pipe_fd)
{
    if (prepare_owner(options, state) < 0) {
        tell_failure(pipe_fd);
    }
    if (tell(pipe_fd, "ready", options->operation) < 0) {
        report("the launcher is gone");
        state_dir_remove_socket(state);
        _exit(1);
    }
    close(pipe_fd);
    _exit(loop_run(options, state, signals));
}

_Noreturn static void be_background(struct restore_options *options, struct state_dir *state, int pipe_fd)
{
    (void)setsid();
    int signals = -1;
    bool joins = options->into == 0; // into a placeholder only CRIU goes, not we
    if ((joins && cgroups_join(options->cgroups, options->cgroup_count) < 0) || signals_block() < 0 || (signals = signals_open()) < 0) {
        tell_failure(pipe_fd);
    }
    if (!options->pid_namespace) {
        tell_pid(pipe_fd, getpid());
        be_owner(options, state, signals, pipe_fd);
    }
    if (unshare(CLONE_NEWPID) < 0) {
        fail("cannot make a pid namespace: %m");
        tell_failure(pipe_fd);
    }
    pid_t owner = fork();
    if (owner == 0) {
        be_owner(options, state, signals, pipe_fd);
    }
    if (owner < 0) {
        fail("cannot fork the owner: %m");
        tell_failure(pipe_fd);
    }
    tell_pid(pipe_fd, owner); // only here, outside of the new namespace, is this number known
    _exit(0);
}

// What the launcher heard so far.
struct news {
    int64_t owner;
    bool ready;
    bool failed;
    size_t length;
    char text[MESSAGES_MAX];
};

static void take_line(struct news *news, const char *line)
{
    if (strncmp(line, "pid ", 4) == 0) {
        if (!text_parse_number(line + 4, 1, PID_MOST, &news->owner)) {
            news->owner = 0;
        }
    } else if (strncmp(line, "ready ", 6) == 0) {
        news->ready = true;
    } else if (strncmp(line, "error ", 6) == 0) {
        news->failed = true;
        fail("%s", line + 6);
    }
}

static void take_lines(struct news *news)
{
    char *end;
    while ((end = memchr(news->text, '\n', news->length)) != NULL) {
        *end = '\0';
        take_line(news, news->text);
        size_t taken = (size_t)(end + 1 - news->text);
        news->length -= taken;
        memmove(news->text, end + 1, news->length);
    }
}

static int listen_for_news(struct news *news, int pipe_fd)
{
    int64_t deadline = now_ms() + READY_DEADLINE_MS;
    while (!news->failed && !(news->ready && news->owner > 0)) {
        struct pollfd polled = { .fd = pipe_fd, .events = POLLIN };
        if (left_ms(deadline) == 0) {
            return fail("the owner was not ready in time");
        }
        if (poll(&polled, 1, left_ms(deadline)) <= 0) {
            continue;
        }
        ssize_t length = read(pipe_fd, news->text + news->length, sizeof news->text - news->length);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length <= 0) {
            return fail("the owner died before it was ready");
        }
        news->length += (size_t)length;
        take_lines(news);
    }
    return news->failed ? -1 : 0;
}

static int keep_given_descriptors(const struct restore_options *options)
{
    int keep[MAPS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < options->map_count; i++) {
        if (options->maps[i].kind == MAP_FD && options->maps[i].given > STDERR_FILENO) {
            keep[count++] = options->maps[i].given;
        }
    }
    return fd_close_all_but(STDERR_FILENO + 1, keep, count);
}

int launch(struct restore_options *options)
{
    static struct state_dir state;
    int ends[2];
    if (keep_given_descriptors(options) < 0 || criu_check(options) < 0
        || (options->into != 0 && target_open(options->into, &options->target) < 0)
        || state_dir_open(options->state, &state) < 0 || maps_open(options->maps, options->map_count) < 0) {
        report("%s", failure());
        return 1;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        report("cannot make a pipe: %m");
        return 1;
    }
    pid_t background = fork();
    if (background == 0) {
        close(ends[0]);
        be_background(options, &state, ends[1]);
    }
    close(ends[1]);
    struct news news = { 0 };
    if (background < 0) {
        report("cannot fork: %m");
        return 1;
    }
    if (listen_for_news(&news, ends[0]) < 0) {
        (void)kill(-background, SIGKILL); // both may be gone already
        if (news.owner > 0) {
            (void)kill((pid_t)news.owner, SIGKILL);
        }
        state_dir_remove_socket(&state);
        report("%s", failure());
        return 1;
    }
    char line[32];
    int length = snprintf(line, sizeof line, "ready %d\n", (int)news.owner);
    if (fd_write_all(STDOUT_FILENO, line, (size_t)length) < 0) {
        report("cannot say ready: %m");
        return 1;
    }
    return 0;
}
