#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "protocol.h"

// The daemon's state. One lock for all of it: this is a test's tool, not a server.
extern pthread_mutex_t node_lock;
extern struct sim_node node;
extern uint32_t release_lag_ms;
extern uint32_t kernel_ms; // how long every launch keeps the device busy
extern uint32_t process_memory; // whether NVML tells how much each process holds
extern uint32_t nvlinks, mig_instances, mig_profile, mig_slices;
extern uint64_t mig_memory, gpu_memory, ecc_errors, recovery_action, virtualization;
extern char gpu_name[96];

int64_t sim_now_ms(void);

// profile.c: reads a profile, or one "key value" that overrides it. False: not understood.
bool profile_read(const char *path);
bool profile_set(const char *key, const char *value);
void profile_finish(const char *node_name); // ids of the devices follow from the node's name

// clients.c: processes and their memory. All with node_lock held.
void client_hello(const struct sim_message *message, int pid, const char *group);
void client_gone(uint64_t client, int fd_pid);
void client_request(struct sim_message *message, const void *payload, void *reply);
uint64_t device_used(uint32_t device);
uint32_t device_processes(uint32_t device, struct sim_process *processes, uint32_t most);

// faults.c: what goes wrong, how often, and what did. With node_lock held.
bool fault_add(const char *text);
void fault_clear(void);
enum sim_effect fault_ask(const char *call, int pid, bool after, uint64_t *value);
void fault_log(char *text, size_t size);
unsigned fault_fired(void);
unsigned fault_waiting(void);
