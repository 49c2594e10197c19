#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "protocol.h"

// The driver's state within one process; parts of it survive a checkpoint because they are the process's own memory.

struct process_block {
    uint64_t address;
    uint64_t size;
    uint32_t device;     // index among the process's devices
    unsigned char *copy; // in host memory, between checkpoint and restore
};

struct process {
    bool initialized;
    bool connected;        // to the node's daemon; not between checkpoint and restore
    uint64_t client;
    uint32_t flags;
    char group[32];        // processes that share device memory name one
    bool managed;          // has managed memory
    bool importer;         // has opened somebody else's memory
    bool exporter;
    struct sim_node node;
    uint32_t device_count;
    struct sim_device devices[SIM_DEVICES_MOST]; // what cuInit saw; ids follow a restore, bus ids do not
    uint32_t on_node[SIM_DEVICES_MOST];          // their indices in the node
    struct process_block blocks[SIM_BLOCKS_MOST];
    int device_files[SIM_DEVICES_MOST + 2];
    void *registers;       // a shared mapping, as the real driver has of its device
    struct sim_mailbox *mailbox;

    // The gate: calls of the application pass it, a locked process's wait before it.
    pthread_mutex_t gate;
    pthread_cond_t moved;
    bool locked;
    int inside;
};

extern struct process process;

int process_request(struct sim_message *message, const void *payload, void *reply, size_t capacity);
int process_transfer(uint32_t op, uint64_t address, void *data, uint64_t size);
int process_connect(const char *socket_path);
void process_disconnect(void);
int process_start_wire(void);
void process_open_devices(void);
void process_close_devices(void);
int process_start_thread(void);
