// SIMULATOR. The restore thread of a workload: it alone carries out what is asked through the mailbox, so a process
// whose threads are frozen answers nothing.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tell_state(uint32_t state)
{
    process.mailbox->state = state;
    struct sim_message message = { .op = OP_STATE, .a = state };
    (void)process_request(&message, NULL, NULL, 0);
}

static void set_locked(bool locked)
{
    pthread_mutex_lock(&process.gate);
    process.locked = locked;
    pthread_cond_broadcast(&process.moved);
    pthread_mutex_unlock(&process.gate);
}

// Closes the gate for new calls, then waits for those inside and for the work that they submitted.
static int lock(uint32_t timeout_ms)
{
    int64_t deadline = timeout_ms == 0 ? INT64_MAX : now_ms() + timeout_ms;
    set_locked(true);
    for (;;) {
        struct sim_message busy = { .op = OP_BUSY };
        pthread_mutex_lock(&process.gate);
        int inside = process.inside;
        pthread_mutex_unlock(&process.gate);
        if (inside == 0 && process_request(&busy, NULL, NULL, 0) == SUCCESS && busy.a == 0) {
            tell_state(LOCKED);
            return SUCCESS;
        }
        if (now_ms() >= deadline) {
            set_locked(false);
            return NOT_READY;
        }
        usleep(500);
    }
}

static uint64_t read_limit(const char *folder, const char *group, const char *file)
{
    char name[512];
    char text[64] = "";
    snprintf(name, sizeof name, "%s%.400s/%s", folder, group, file);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return UINT64_MAX;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    return length > 0 && text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;
}

// What this process's memory cgroup still allows, version 1 or 2; UINT64_MAX where nothing limits it.
static uint64_t cgroup_left(void)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[512];
    uint64_t left = UINT64_MAX;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (path == NULL) {
            continue;
        }
        *path++ = '\0';
        bool first = strcmp(controllers + 1, "memory") == 0;
        if (!first && controllers[1] != '\0') {
            continue;
        }
        const char *folder = first ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
        uint64_t limit = read_limit(folder, path, first ? "memory.limit_in_bytes" : "memory.max");
        uint64_t used = read_limit(folder, path, first ? "memory.usage_in_bytes" : "memory.current");
        if (limit != UINT64_MAX && used != UINT64_MAX) {
            uint64_t rest = limit > used ? limit - used : 0;
            left = rest < left ? rest : left;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return left;
}

// Copying takes the time that it takes.
static void pace(uint64_t bytes)
{
    uint64_t us = process.node.copy_mib_per_second == 0 ? 0 : bytes / process.node.copy_mib_per_second * 1000000 / (1 << 20);
    struct timespec pause = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };
    nanosleep(&pause, NULL);
}

static void drop_copies(void)
{
    for (size_t i = 0; i < SIM_BLOCKS_MOST; i++) {
        if (process.blocks[i].copy != NULL) {
            munmap(process.blocks[i].copy, process.blocks[i].size);
            process.blocks[i].copy = NULL;
        }
    }
}

static int checkpoint(void)
{
    uint64_t total = 0;
    struct sim_message refresh = { .op = OP_NODE };
    if (process_request(&refresh, NULL, &process.node, sizeof process.node) != SUCCESS) {
        return UNKNOWN;
    }
    if (process.managed || (process.exporter && (process.node.cuda < 13030 || !(process.flags & FLAG_JOB)))) {
        return NOT_SUPPORTED;
    }
    for (uint32_t i = 0; i < process.device_count; i++) {
        if (process.devices[i].mig) {
            return OUT_OF_MEMORY; // this is what the real one says
        }
    }
    for (size_t i = 0; i < SIM_BLOCKS_MOST; i++) {
        total += process.blocks[i].size;
    }
    if (total > cgroup_left() || (process.node.host_limit != 0 && total > process.node.host_limit)) {
        return OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < SIM_BLOCKS_MOST; i++) {
        struct process_block *block = &process.blocks[i];
        if (block->size == 0) {
            continue;
        }
        block->copy = mmap(NULL, block->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int result = block->copy == MAP_FAILED ? OUT_OF_MEMORY : process_transfer(OP_READ, block->address, block->copy, block->size);
        if (result != SUCCESS) {
            block->copy = block->copy == MAP_FAILED ? NULL : block->copy;
            drop_copies();
            return result;
        }
    }
    pace(total);
    struct sim_message release = { .op = OP_RELEASE };
    (void)process_request(&release, NULL, NULL, 0);
    process_close_devices();
    tell_state(CHECKPOINTED);
    process_disconnect();
    return SUCCESS;
}

// The node's device that a device of this process becomes; -1: the map does not say, or it is not there.
static int target_of(const struct sim_device *device)
{
    const struct sim_mailbox *mailbox = process.mailbox;
    const unsigned char *wanted = mailbox->pair_count == 0 ? device->uuid : NULL;
    for (uint32_t i = 0; i < mailbox->pair_count; i++) {
        if (memcmp(mailbox->pairs[i].from, device->uuid, 16) == 0) {
            wanted = mailbox->pairs[i].to;
        }
    }
    for (uint32_t i = 0; wanted != NULL && i < process.node.count; i++) {
        if (memcmp(process.node.devices[i].uuid, wanted, 16) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int choose_targets(uint32_t *targets)
{
    uint64_t wanted[SIM_DEVICES_MOST] = { 0 };
    for (uint32_t i = 0; i < process.device_count; i++) {
        int target = target_of(&process.devices[i]);
        if (target < 0) {
            return INVALID_VALUE;
        }
        for (uint32_t before = 0; before < i; before++) {
            if (targets[before] == (uint32_t)target) {
                return INVALID_VALUE; // two GPUs cannot become one
            }
        }
        if (strcmp(process.node.devices[target].chip, process.devices[i].chip) != 0) {
            return NOT_SUPPORTED;
        }
        targets[i] = (uint32_t)target;
    }
    for (size_t b = 0; b < SIM_BLOCKS_MOST; b++) {
        wanted[process.blocks[b].device] += process.blocks[b].size;
    }
    for (uint32_t i = 0; i < process.device_count; i++) {
        const struct sim_device *target = &process.node.devices[targets[i]];
        if (target->used + wanted[i] > target->memory) {
            return OUT_OF_MEMORY;
        }
    }
    return SUCCESS;
}

static int give_back(void)
{
    uint64_t total = 0;
    for (size_t i = 0; i < SIM_BLOCKS_MOST; i++) {
        struct process_block *block = &process.blocks[i];
        if (block->size == 0) {
            continue;
        }
        struct sim_message message = { .op = OP_ALLOCATE, .a = block->size, .b = process.on_node[block->device], .c = block->address };
        int result = process_request(&message, NULL, NULL, 0);
        if (result == SUCCESS) {
            result = process_transfer(OP_WRITE, block->address, block->copy, block->size);
        }
        if (result != SUCCESS) {
            return result;
        }
        total += block->size;
    }
    pace(total);
    return SUCCESS;
}

static int restore(void)
{
    uint32_t targets[SIM_DEVICES_MOST];
    if (process.importer) {
        return INVALID_VALUE; // its memory was another process's: this cannot be mended any more
    }
    if (process_connect(process.mailbox->socket) != SUCCESS) {
        return NO_DEVICE;
    }
    int result = process.mailbox->pair_count > 0 && process.node.cuda < 13000 ? NOT_SUPPORTED : choose_targets(targets);
    if (result == SUCCESS) {
        memcpy(process.on_node, targets, sizeof targets);
        result = give_back();
    }
    if (result != SUCCESS) {
        struct sim_message release = { .op = OP_RELEASE };
        (void)process_request(&release, NULL, NULL, 0);
        process_disconnect();
        return result;
    }
    for (uint32_t i = 0; i < process.device_count; i++) {
        memcpy(process.devices[i].uuid, process.node.devices[targets[i]].uuid, 16); // the bus id stays what it was
    }
    drop_copies();
    process_open_devices();
    tell_state(LOCKED);
    return SUCCESS;
}

static int carry_out(const struct sim_mailbox *mailbox)
{
    static const uint32_t wanted[] = { [SIM_LOCK] = RUNNING, [SIM_CHECKPOINT] = LOCKED, [SIM_RESTORE] = CHECKPOINTED, [SIM_UNLOCK] = LOCKED };
    if (mailbox->verb == SIM_GET_STATE) {
        return SUCCESS;
    }
    if (mailbox->verb == SIM_FAIL) {
        set_locked(true); // no call of it returns any more
        process.mailbox->state = FAILED;
        return SUCCESS;
    }
    if (mailbox->state != wanted[mailbox->verb]) {
        return ILLEGAL_STATE;
    }
    switch (mailbox->verb) {
    case SIM_LOCK:
        return lock(mailbox->timeout_ms);
    case SIM_CHECKPOINT:
        return checkpoint();
    case SIM_RESTORE:
        return restore();
    default:
        set_locked(false);
        tell_state(RUNNING);
        return SUCCESS;
    }
}

static void *run(void *argument)
{
    (void)argument;
    sigset_t waited;
    sigemptyset(&waited);
    sigaddset(&waited, SIM_SIGNAL);
    process.mailbox->tid = (int)syscall(SYS_gettid);
    __sync_synchronize();
    process.mailbox->magic = SIM_MAGIC;
    for (;;) {
        siginfo_t info;
        if (sigwaitinfo(&waited, &info) < 0) {
            continue; // interrupted by whoever traced this process
        }
        if (process.mailbox->asked == process.mailbox->answered) {
            continue;
        }
        process.mailbox->result = carry_out(process.mailbox);
        __sync_synchronize();
        process.mailbox->answered = process.mailbox->asked;
    }
    return NULL;
}

int process_start_thread(void)
{
    process.mailbox = mmap(SIM_MAILBOX_ADDRESS, sizeof *process.mailbox, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (process.mailbox != SIM_MAILBOX_ADDRESS) {
        return OPERATING_SYSTEM;
    }
    // A child that only forks has no restore thread, and must not look as if it had.
    (void)madvise(process.mailbox, sizeof *process.mailbox, MADV_WIPEONFORK);
    process.mailbox->client = process.client;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (!failed && *(volatile uint64_t *)&process.mailbox->magic != SIM_MAGIC) {
        usleep(100);
    }
    return failed ? OPERATING_SYSTEM : SUCCESS;
}
