#include "gpu/target.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/failure.h"

enum { START_TIME_FIELD = 22, FIELD_AFTER_NAME = 3 }; // proc(5), counted from 1

int target_check(int pid, int64_t start_time)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail("there is no process %d", pid);
    }
    char text[1024];
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) {
        return fail("process %d ended", pid);
    }
    text[length] = '\0';
    char *at = strrchr(text, ')'); // the name may hold anything, a bracket included
    if (at == NULL) {
        return fail("/proc/%d/stat is not understood", pid);
    }
    at++;
    for (int field = FIELD_AFTER_NAME; field <= START_TIME_FIELD; field++) {
        at += strspn(at, " ");
        if (field == FIELD_AFTER_NAME && (*at == 'Z' || *at == 'X')) {
            return fail("process %d has ended", pid);
        }
        if (field == START_TIME_FIELD) {
            return strtoll(at, NULL, 10) == start_time ? 0 : fail("process %d is another one than was meant", pid);
        }
        at += strcspn(at, " ");
    }
    return fail("/proc/%d/stat is not understood", pid);
}
