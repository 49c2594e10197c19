#include "init/output_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/failure.h"

static const char current_name[] = "output.log";
static const char older_name[] = "output.log.1";
static const char next_name[] = "output.log.new";

enum { OPEN_FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY };

int output_log_open(struct output_log *log, int directory)
{
    *log = (struct output_log){ .directory = directory, .fd = -1 };
    log->fd = openat(directory, current_name, OPEN_FLAGS, 0600);
    if (log->fd < 0) {
        return fail("cannot open %s in the state directory: %m", current_name);
    }
    struct stat found;
    if (fstat(log->fd, &found) < 0) {
        return fail("cannot stat %s: %m", current_name);
    }
    log->size = (uint64_t)found.st_size;
    return 0;
}

static size_t write_some(struct output_log *log, const char *data, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t written = write(log->fd, data + done, length - done);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            break;
        }
        done += (size_t)written;
    }
    log->size += done;
    return done;
}

// The new file is there before the old one is renamed: output.log is never missing for longer than between two
// renames, and stays as it is when there can be no new one.
static int rotate(struct output_log *log)
{
    if (unlinkat(log->directory, next_name, 0) < 0 && errno != ENOENT) {
        return -1;
    }
    int next = openat(log->directory, next_name, OPEN_FLAGS | O_EXCL, 0600);
    if (next < 0) {
        return -1;
    }
    // Somebody may have taken the current file away: then there is nothing to put aside.
    bool is_aside = renameat(log->directory, current_name, log->directory, older_name) == 0 || errno == ENOENT;
    if (!is_aside || renameat(log->directory, next_name, log->directory, current_name) < 0) {
        int reason = errno;
        close(next);
        errno = reason;
        return -1;
    }
    close(log->fd);
    log->fd = next;
    log->size = 0;
    return 0;
}

size_t output_log_write(struct output_log *log, const char *data, size_t length)
{
    if (log->size + length <= OUTPUT_LOG_MOST) {
        return write_some(log, data, length);
    }
    // The line that is being written ends in the old file, unless it has no end here.
    const char *end = memchr(data, '\n', length);
    size_t head = end != NULL ? (size_t)(end - data) + 1 : 0;
    size_t done = write_some(log, data, head);
    if (done < head || rotate(log) < 0) {
        return done;
    }
    return done + write_some(log, data + head, length - head);
}
