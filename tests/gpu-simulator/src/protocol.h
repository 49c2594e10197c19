#pragma once

#include <stddef.h>
#include <stdint.h>

// What the simulator's parts share. SIMULATOR: there is no GPU behind any of it.
//
// - gpu-simulator (the device daemon of one "node") holds all device memory; a process has none of it.
// - libcuda.so.1 in a workload talks to it, and runs a restore thread like the real driver.
// - libcuda.so.1 in whoever checkpoints finds that thread through a mailbox at a fixed address of the workload,
//   writes a command there, wakes the thread by a signal and waits for its answer. So a frozen process does not answer.

#define SIM_BANNER "SIMULATOR: this is no GPU driver; there is no GPU here"
#define SIM_SOCKET "simulator.sock"
#define SIM_MAILBOX_ADDRESS ((void *)0x6f0000000000)
#define SIM_MAGIC UINT64_C(0x53494d554c415445)
#define SIM_FIRST_ADDRESS UINT64_C(0x7a0000000000)

enum {
    SIM_SIGNAL = 50,          // wakes the restore thread; blocked in it, thread-directed, so nobody else sees it
    SIM_DEVICES_MOST = 16,
    SIM_BLOCKS_MOST = 256,    // allocations of one process
    SIM_CHUNK = 1 << 20,      // bytes of one transfer
    SIM_PATH = 108,
    SIM_TEXT = 64 << 10,      // longest answer to a control command
};

// CUDA's numbers.
enum {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201, OPERATING_SYSTEM = 304, INVALID_HANDLE = 400, ILLEGAL_STATE = 401, NOT_FOUND = 500,
    NOT_READY = 600, NOT_PERMITTED = 800, NOT_SUPPORTED = 801, UNKNOWN = 999,
};

enum { RUNNING, LOCKED, CHECKPOINTED, FAILED };

struct sim_device {
    unsigned char uuid[16];
    char name[96];
    char chip[96];         // what must be equal to restore there
    char bus[32];
    uint64_t memory;
    uint64_t used;
    uint32_t major;
    uint32_t minor;
    uint32_t mig;
    uint32_t index;
};

struct sim_node {
    uint32_t cuda;
    uint32_t count;
    uint32_t persistence;
    uint32_t copy_mib_per_second;
    uint64_t host_limit;   // bytes that a process may take for its copy; 0: what its cgroup allows
    char driver[32];
    char folder[SIM_PATH]; // of the device files
    struct sim_device devices[SIM_DEVICES_MOST];
};

enum sim_op {
    OP_HELLO = 1,   // a: flags; payload: group. Answer: struct sim_node
    OP_NODE,        // answer: struct sim_node
    OP_ALLOCATE,    // a: size, b: device, c: address or 0. Answer a: address
    OP_FREE,        // a: address
    OP_WRITE,       // a: address; payload: bytes
    OP_READ,        // a: address, b: size. Answer: bytes
    OP_LAUNCH,      // a: address, b: count of 64-bit words, c: step
    OP_BUSY,        // answer a: milliseconds until submitted work has ended
    OP_RELEASE,     // the client gives its memory back; it stays known
    OP_STATE,       // a: the client's new state
    OP_COUPLED,     // client: whose. Answer a: 1 when a peer of its group is not running, b: 1 in a job, c: 1 when another call on the group is going on
    OP_BEGIN,       // client, a: pid: a call on it begins
    OP_END,
    OP_FAULT,       // a: pid, b: 0 before, 1 after; payload: name of the call. Answer a: enum sim_effect, b: value
    OP_NVML,        // a: device. Answer: struct sim_process[]
    OP_CONTROL,     // payload: text. Answer: text
};

enum sim_effect { EFFECT_NONE, EFFECT_ERROR, EFFECT_HANG, EFFECT_DELAY, EFFECT_DIE, EFFECT_KILL, EFFECT_FAILED, EFFECT_VALUE };

enum { FLAG_JOB = 1, FLAG_QUIET = 2 };

struct sim_message {
    uint32_t op;
    int32_t result;
    uint64_t client;
    uint64_t a;
    uint64_t b;
    uint64_t c;
    uint32_t payload;
    uint32_t reserved;
};

struct sim_process {
    uint32_t pid;
    uint32_t reserved;
    uint64_t used;
};

enum sim_verb { SIM_GET_STATE = 1, SIM_LOCK, SIM_CHECKPOINT, SIM_RESTORE, SIM_UNLOCK, SIM_FAIL };

struct sim_pair {
    unsigned char from[16];
    unsigned char to[16];
};

// One page-aligned block of the workload, wiped in forked children, private: CRIU carries it along.
struct sim_mailbox {
    uint64_t magic;
    uint64_t client;
    int32_t tid;              // of the restore thread, in the workload's own pid namespace
    uint32_t state;
    volatile uint32_t asked;  // the caller counts up ...
    volatile uint32_t answered; // ... and the thread follows
    uint32_t verb;
    uint32_t timeout_ms;
    int32_t result;
    uint32_t pair_count;
    struct sim_pair pairs[SIM_DEVICES_MOST * 4];
    char socket[SIM_PATH];    // of the caller's node: after a restore it is another one
};

// link.c: the connection to a node's daemon.
int sim_connect(const char *socket_path);
// Sends a request and reads its answer into *message and `reply` (at most `capacity` bytes). 0, or -1 when the daemon is gone.
int sim_call(int fd, struct sim_message *message, const void *payload, void *reply, size_t capacity);
int sim_send_all(int fd, const void *data, size_t length);
int sim_receive_all(int fd, void *data, size_t length);
// The socket of the node whose libraries these are: beside the library, or below $GPU_SIMULATOR_NODE.
void sim_own_socket(char *path, size_t size);
