#include "init/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failure.h"
#include "common/fd.h"
#include "init/door.h"
#include "init/namespaces.h"

enum {
    ASK_PATIENCE_MS = 20000,        // hold answers at once, but for `abandon`, which waits for the dying
    RESTORE_DEFAULT_SECONDS = 3600, // where the engine has not said how long it may take
    PATH_TEXT_MAX = 48,
};

static int open_in_proc(int pid, const char *name, int flags)
{
    char path[PATH_TEXT_MAX];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, flags | O_CLOEXEC);
    return fd < 0 ? fail("cannot open %s: %m", path) : fd;
}

static int open_pids(int pid, struct target *target)
{
    struct stat own;
    int fd = open_in_proc(pid, "ns/pid", O_RDONLY);
    if (fd < 0) {
        return -1;
    }
    int found = fstat(fd, &target->pids);
    close(fd);
    if (found < 0 || stat("/proc/self/ns/pid", &own) < 0) {
        return fail("cannot tell the pid namespace of process %d: %m", pid);
    }
    bool same = own.st_dev == target->pids.st_dev && own.st_ino == target->pids.st_ino;
    return same ? fail("process %d is not in a pid namespace of its own", pid) : 0;
}

int target_open(int pid, struct target *target)
{
    *target = (struct target){ .process = -1, .root = -1, .door = -1 };
    target->process = (int)syscall(SYS_pidfd_open, pid, 0);
    if (target->process < 0) {
        return fail("cannot open process %d: %m", pid);
    }
    target->root = open_in_proc(pid, "root", O_PATH | O_DIRECTORY);
    if (target->root < 0 || open_pids(pid, target) < 0) {
        return -1;
    }
    target->door = (int)syscall(SYS_pidfd_getfd, target->process, DOOR_FD, 0);
    if (target->door < 0) {
        return errno == EBADF ? fail("process %d is not a placeholder: it has no descriptor %d", pid, DOOR_FD)
                              : fail("cannot take descriptor %d of process %d: %m", DOOR_FD, pid);
    }
    char answer[TARGET_ANSWER_MAX];
    return target_ask(target, "status", answer); // it lives: everything above was of this very process
}

// Sends the command with a descriptor for its answer, so that nobody else who asks takes that from us.
static int send_command(const struct target *target, const char *command, int reply)
{
    char text[DOOR_MESSAGE_MOST];
    int length = snprintf(text, sizeof text, "1 %s", command);
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { .iov_base = text, .iov_len = (size_t)length };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.header), &reply, sizeof reply);
    int64_t deadline = now_ms() + ASK_PATIENCE_MS;
    while (sendmsg(target->door, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) { // the socket may be anybody's
        if (errno == EAGAIN && left_ms(deadline) > 0) {
            struct pollfd polled = { .fd = target->door, .events = POLLOUT };
            (void)poll(&polled, 1, left_ms(deadline));
        } else if (errno != EINTR) {
            return fail("the placeholder cannot be asked: %m");
        }
    }
    return 0;
}

static int read_answer(int end, char answer[TARGET_ANSWER_MAX])
{
    int64_t deadline = now_ms() + ASK_PATIENCE_MS;
    struct pollfd polled = { .fd = end, .events = POLLIN };
    int ready;
    do {
        ready = poll(&polled, 1, left_ms(deadline));
    } while (ready < 0 && errno == EINTR);
    ssize_t length = ready > 0 ? recv(end, answer, TARGET_ANSWER_MAX - 1, MSG_DONTWAIT) : -1;
    if (ready == 0) {
        return fail("the placeholder does not answer");
    }
    if (length <= 0) {
        return fail("the placeholder is gone");
    }
    answer[length] = '\0';
    if (strncmp(answer, "1 error ", 8) == 0) {
        return fail("the placeholder: %s", answer + 8);
    }
    if (strncmp(answer, "1 ok", 4) != 0) {
        return fail("the placeholder gave a strange answer");
    }
    const char *rest = answer[4] == ' ' ? answer + 5 : answer + 4;
    memmove(answer, rest, strlen(rest) + 1);
    return 0;
}

int target_ask(const struct target *target, const char *command, char answer[TARGET_ANSWER_MAX])
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return fail("cannot make a pair of sockets: %m");
    }
    int done = send_command(target, command, ends[1]);
    close(ends[1]); // hold has its own: when it dies we see the end
    if (done == 0) {
        done = read_answer(ends[0], answer);
    }
    close(ends[0]);
    return done;
}

int target_begin(const struct target *target, const char *operation)
{
    char answer[TARGET_ANSWER_MAX];
    char command[DOOR_MESSAGE_MOST];
    if (target_ask(target, "status", answer) < 0) {
        return -1;
    }
    snprintf(command, sizeof command, "restoring %s", operation);
    if (strcmp(answer, command) == 0) {
        return 0;
    }
    snprintf(command, sizeof command, "restoring %s %d", operation, RESTORE_DEFAULT_SECONDS);
    return target_ask(target, command, answer);
}

int target_adopt_pids(const struct target *target)
{
    if (setns(target->process, CLONE_NEWPID) < 0) {
        return fail("cannot enter the target's pid namespace: %m");
    }
    return 0;
}

// Runs a step in a child, which is in the target's pid namespace.
static int in_child(int (*step)(const void *), const void *argument)
{
    pid_t child = fork();
    if (child == 0) {
        if (step(argument) < 0) {
            report("%s", failure());
            _exit(1);
        }
        _exit(0);
    }
    if (child < 0) {
        return fail("cannot fork into the target's pid namespace: %m");
    }
    int status;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return fail("cannot wait for a helper: %m");
        }
    }
    return status == 0 ? 0 : fail("a helper in the target's pid namespace has failed");
}

static int set_last_pid(const void *last_pid)
{
    return namespaces_set_last_pid(*(const int64_t *)last_pid);
}

int target_set_last_pid(int64_t last_pid)
{
    return in_child(set_last_pid, &last_pid);
}

// Runs a step in the target's UTS namespace, and comes back.
static int in_uts(const struct target *target, int (*step)(struct target_names *), struct target_names *names)
{
    int home = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    if (home < 0) {
        return fail("cannot open our own UTS namespace: %m");
    }
    if (setns(target->process, CLONE_NEWUTS) < 0) {
        fail("cannot enter the target's UTS namespace: %m");
        close(home);
        return -1;
    }
    int done = step(names);
    if (setns(home, CLONE_NEWUTS) < 0) {
        done = fail("cannot come back to our own UTS namespace: %m");
    }
    close(home);
    return done;
}

static int get_names(struct target_names *names)
{
    struct utsname found;
    if (uname(&found) < 0) {
        return fail("cannot read the target's host name: %m");
    }
    snprintf(names->host, sizeof names->host, "%s", found.nodename);
    snprintf(names->domain, sizeof names->domain, "%s", found.domainname);
    return 0;
}

static int set_names(struct target_names *names)
{
    if (sethostname(names->host, strlen(names->host)) < 0 || setdomainname(names->domain, strlen(names->domain)) < 0) {
        return fail("cannot set the target's host name: %m");
    }
    return 0;
}

int target_get_names(const struct target *target, struct target_names *names)
{
    return in_uts(target, get_names, names);
}

int target_set_names(const struct target *target, const struct target_names *names)
{
    struct target_names copy = *names;
    return in_uts(target, set_names, &copy);
}

static int kill_namespace(const void *context)
{
    const struct target *target = context;
    struct stat here;
    // Anywhere else this would kill a machine.
    if (stat("/proc/self/ns/pid", &here) < 0 || here.st_dev != target->pids.st_dev || here.st_ino != target->pids.st_ino) {
        return fail("not in the target's pid namespace");
    }
    return kill(-1, SIGKILL) < 0 && errno != ESRCH ? fail("cannot kill what was restored: %m") : 0;
}

int target_clear(const struct target *target, const char *operation, bool begun, int root)
{
    char restoring[DOOR_MESSAGE_MOST];
    char running[DOOR_MESSAGE_MOST];
    char answer[TARGET_ANSWER_MAX];
    char command[DOOR_MESSAGE_MOST];
    int killed = 0;
    if (target_ask(target, "status", answer) < 0) {
        return -1;
    }
    snprintf(restoring, sizeof restoring, "restoring %s", operation);
    snprintf(running, sizeof running, "running %d", root);
    if (strcmp(answer, restoring) != 0 && strcmp(answer, running) != 0) {
        return 0; // what lives there is not ours
    }
    snprintf(command, sizeof command, "retract %s", operation);
    if (strcmp(answer, running) == 0 && target_ask(target, command, answer) < 0) {
        return -1; // the end of the main child would be the end of the placeholder
    }
    if (begun) {
        killed = in_child(kill_namespace, target); // hold itself may not have the rights: it runs as the image's user
    }
    snprintf(command, sizeof command, "abandon %s", operation);
    return target_ask(target, command, answer) < 0 ? -1 : killed;
}

int target_enter(const struct target *target, const char *stage, const struct take *takes, size_t count)
{
    static struct take copies[TAKES_MOST];
    memcpy(copies, takes, count * sizeof *takes);
    if (setns(target->process, CLONE_NEWCGROUP) < 0) {
        return fail("cannot enter the target's cgroup namespace: %m");
    }
    if (namespaces_own_mounts() < 0) {
        return -1;
    }
    if (stage == NULL) {
        return 0;
    }
    int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (home < 0 || top < 0) {
        return fail("cannot open our own mounts: %m");
    }
    if (setns(target->process, CLONE_NEWNS) < 0) {
        return fail("cannot enter the target's mount namespace: %m");
    }
    int copied = takes_copy(copies, count, target->root);
    // Entering a mount namespace moves the root directory, too: ours may not have been its top.
    if (setns(home, CLONE_NEWNS) < 0 || fchdir(top) < 0 || chroot(".") < 0) {
        return fail("cannot come back to our own mounts: %m");
    }
    close(home);
    close(top);
    return copied < 0 ? -1 : takes_attach(copies, count, stage);
}
