#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OUTPUT_LOG_MOST = 64 * 1024 * 1024, // bytes of output.log before it becomes output.log.1: what a person still looks through,
                                        // and two of them for each tree of a busy node still fit beside everything else
};

// What a tree writes: output.log, and one older file of the same size, output.log.1. A tree that talks for
// months then takes a bounded part of the disk, and its last words are always there.
struct output_log {
    int directory; // not ours to close
    int fd;
    uint64_t size; // bytes in the current file
};

// Opens output.log in the directory, to be appended to. -1 (failure()) when it cannot be opened.
int output_log_open(struct output_log *log, int directory);

// The bytes of `data` that were written, by way of a new file when this one is full; fewer than `length`
// when the disk takes no more (errno).
size_t output_log_write(struct output_log *log, const char *data, size_t length);
