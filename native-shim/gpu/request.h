#pragma once

#include <stdint.h>

#include "gpu/cuda_abi.h"

enum {
    REQUEST_LINE_MOST = 8192, // bytes of one request: 64 pairs of GPUs take some 5300
    REQUEST_PAIRS_MOST = 64,  // GPUs of one process; the largest machines have 16 of them in one box
    REQUEST_ID_LONGEST = 20,  // characters of a request's number
};

enum verb { VERB_HELLO, VERB_DEVICES, VERB_PROBE, VERB_STATE, VERB_LOCK, VERB_CHECKPOINT, VERB_RESTORE, VERB_UNLOCK };

// One request: "ID DEADLINE_MS VERB [PID START_TIME [ARGUMENT]]".
struct request {
    char id[REQUEST_ID_LONGEST + 1];
    int64_t deadline_ms;   // from the moment it is read
    enum verb verb;
    int pid;               // in the worker's pid namespace
    int64_t start_time;    // field 22 of /proc/PID/stat: the pid must still be this process
    uint32_t timeout_ms;   // lock
    uint32_t pair_count;   // restore; 0: the same GPUs
    struct cuda_gpu_pair pairs[REQUEST_PAIRS_MOST];
};

// Parses a line without its end; changes it. -1 with failure(); request->id is then set when there was one.
int request_parse(char *line, struct request *request);

const char *verb_name(enum verb verb);
