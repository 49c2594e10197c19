#include "init/children.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN_CHUNK = 4096 }; // bytes read at once of the kernel's list of children

void children_signal(int signal_number)
{
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return; // /proc is gone; whoever waits for the children asks again
    }
    char chunk[CHILDREN_CHUNK];
    pid_t pid = 0;
    ssize_t length;
    while ((length = read(fd, chunk, sizeof chunk)) > 0) {
        for (ssize_t i = 0; i < length; i++) {
            if (chunk[i] >= '0' && chunk[i] <= '9') {
                pid = pid * 10 + (chunk[i] - '0');
            } else if (pid > 0) {
                (void)kill(pid, signal_number);
                pid = 0;
            }
        }
    }
    close(fd);
}

bool children_namespace_is_shared(void)
{
    DIR *proc = opendir("/proc");
    if (proc == NULL) {
        return false;
    }
    bool shared = false;
    const struct dirent *entry;
    while (!shared && (entry = readdir(proc)) != NULL) {
        bool is_process = entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
        bool is_us = entry->d_name[0] == '1' && entry->d_name[1] == '\0';
        shared = is_process && !is_us;
    }
    closedir(proc);
    return shared;
}

bool children_has(pid_t pid)
{
    siginfo_t info;
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}
