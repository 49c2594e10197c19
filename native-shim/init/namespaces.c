#include "init/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"

int namespaces_own_mounts(void)
{
    if (unshare(CLONE_NEWNS) < 0) {
        return fail("cannot make a mount namespace: %m");
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
        return fail("cannot make the mounts slaves: %m");
    }
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        return fail("cannot mount /proc: %m");
    }
    return 0;
}

int namespaces_set_last_pid(int64_t last_pid)
{
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail("cannot open ns_last_pid: %m");
    }
    char text[24];
    int length = snprintf(text, sizeof text, "%lld", (long long)last_pid);
    if (fd_write_all(fd, text, (size_t)length) < 0) {
        fail("cannot set ns_last_pid to %lld: %m", (long long)last_pid);
        close(fd);
        return -1;
    }
    close(fd);
    return 0;
}

int namespaces_enter(int pid)
{
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process < 0) {
        return fail("cannot open process %d: %m", pid);
    }
    if (setns(process, CLONE_NEWPID | CLONE_NEWNS) < 0) {
        fail("cannot enter the namespaces of process %d: %m", pid);
        close(process);
        return -1;
    }
    close(process);
    if (chdir("/") < 0) {
        return fail("cannot go to the root directory: %m");
    }
    return 0;
}
