/*
 * Reading the limits of another user's process needs CAP_SYS_RESOURCE, which every node has and some machines for tests have not. Linked into
 * a copy of CRIU for them: where the kernel refuses, the limits are read from /proc/PID/limits, which shows the same numbers.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Lines of /proc/PID/limits come in the order of the kernel's own table, which is this one; values start at these columns. */
static const char *const names[RLIM_NLIMITS] = {
    [RLIMIT_CPU] = "Max cpu time", [RLIMIT_FSIZE] = "Max file size", [RLIMIT_DATA] = "Max data size", [RLIMIT_STACK] = "Max stack size",
    [RLIMIT_CORE] = "Max core file size", [RLIMIT_RSS] = "Max resident set", [RLIMIT_NPROC] = "Max processes", [RLIMIT_NOFILE] = "Max open files",
    [RLIMIT_MEMLOCK] = "Max locked memory", [RLIMIT_AS] = "Max address space", [RLIMIT_LOCKS] = "Max file locks", [RLIMIT_SIGPENDING] = "Max pending signals",
    [RLIMIT_MSGQUEUE] = "Max msgqueue size", [RLIMIT_NICE] = "Max nice priority", [RLIMIT_RTPRIO] = "Max realtime priority", [RLIMIT_RTTIME] = "Max realtime timeout",
};
enum { SOFT_COLUMN = 26, HARD_COLUMN = 47 };

static rlim_t value(const char *text) { return strncmp(text, "unlimited", 9) == 0 ? RLIM_INFINITY : strtoull(text, NULL, 10); }

static int from_proc(pid_t pid, unsigned resource, struct rlimit *limit)
{
    char path[64], line[256];
    int found = -1;
    snprintf(path, sizeof path, "/proc/%d/limits", pid);
    FILE *file = resource < RLIM_NLIMITS && names[resource] ? fopen(path, "re") : NULL;
    while (file && found < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, names[resource], strlen(names[resource])) == 0 && strlen(line) > HARD_COLUMN) {
            limit->rlim_cur = value(line + SOFT_COLUMN);
            limit->rlim_max = value(line + HARD_COLUMN);
            found = 0;
        }
    if (file)
        fclose(file);
    errno = found < 0 ? EPERM : 0;
    return found;
}

long syscall(long number, ...)
{
    static long (*real)(long, ...);
    va_list list;
    long a[6];
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (!real)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    long result = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (number == SYS_prlimit64 && result < 0 && errno == EPERM && !a[2] && a[3])
        return from_proc((pid_t)a[0], (unsigned)a[1], (struct rlimit *)a[3]);
    return result;
}

int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *new, struct rlimit64 *old)
{
    return (int)syscall(SYS_prlimit64, (long)pid, (long)resource, (long)new, (long)old, 0L, 0L);
}

int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *new, struct rlimit *old)
{
    return (int)syscall(SYS_prlimit64, (long)pid, (long)resource, (long)new, (long)old, 0L, 0L);
}
