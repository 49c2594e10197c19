#include "init/drain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"

enum {
    READ_SIZE = 64 * 1024,  // bytes: a whole pipe of the default size
    FLUSH_READS_MOST = 256, // a flush takes up to 16 MiB: more than any pipe holds, but not for ever
};

void drain_init(struct drain *drain, struct output_log *output, const struct map *maps, size_t map_count)
{
    *drain = (struct drain){ .output = output };
    for (size_t i = 0; i < map_count; i++) {
        if (maps[i].source >= 0) {
            drain->sources[drain->source_count++] = maps[i].source;
        }
    }
}

static void drop(struct drain *drain, size_t length)
{
    drain->dropped += length;
    drain->dropped_reason = errno;
}

static bool tell_dropped(struct drain *drain)
{
    if (drain->dropped == 0) {
        return true;
    }
    char line[160];
    int length = snprintf(line, sizeof line, "\n[checkpointer-init: %" PRIu64 " bytes of output dropped: %s]\n", drain->dropped,
                          strerror(drain->dropped_reason));
    if (length < 0 || output_log_write(drain->output, line, (size_t)length) < (size_t)length) {
        return false;
    }
    drain->dropped = 0;
    return true;
}

static void store(struct drain *drain, const char *data, size_t length)
{
    if (!tell_dropped(drain)) {
        drop(drain, length);
        return;
    }
    size_t written = output_log_write(drain->output, data, length);
    if (written < length) {
        drop(drain, length - written);
    }
}

// Whether there may be more to read at once.
static bool read_once(struct drain *drain, size_t index)
{
    static char buffer[READ_SIZE];
    if (drain->sources[index] < 0) {
        return false;
    }
    ssize_t length = read(drain->sources[index], buffer, sizeof buffer);
    if (length > 0) {
        store(drain, buffer, (size_t)length);
        return true;
    }
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return errno == EINTR;
    }
    // A pipe without a writer; nobody can open it again. (A pty's slave is always open: ours.)
    fd_close(&drain->sources[index]);
    return false;
}

void drain_read(struct drain *drain, size_t index)
{
    (void)read_once(drain, index);
}

void drain_flush(struct drain *drain)
{
    for (size_t i = 0; i < drain->source_count; i++) {
        for (int reads = 0; reads < FLUSH_READS_MOST && read_once(drain, i); reads++) {
        }
    }
    (void)tell_dropped(drain);
}
