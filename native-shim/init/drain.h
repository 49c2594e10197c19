#pragma once

#include <stddef.h>
#include <stdint.h>

#include "init/maps.h"
#include "init/output_log.h"

// Carries what the tree writes (log pipe, pty masters) into output.log. A file that cannot be written
// (full disk) must not stop the tree: its bytes are dropped, counted, and the count is written when
// writing works again.
struct drain {
    struct output_log *output;
    int sources[MAPS_MOST];
    size_t source_count;
    uint64_t dropped;
    int dropped_reason; // errno
};

void drain_init(struct drain *drain, struct output_log *output, const struct map *maps, size_t map_count);

// Reads source `index` once and writes what came. Closes it at its end.
void drain_read(struct drain *drain, size_t index);

// Reads all sources until they are empty, within a bound: what a process wrote before it died is there.
void drain_flush(struct drain *drain);
