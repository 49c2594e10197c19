#include "init/target.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/failure.h"
#include "init/door.h"
#include "init/namespaces.h"

enum { PATH_TEXT_MAX = 48 }; // bytes of a name in /proc, its end included

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
