// SIMULATOR. cuCheckpointProcess...: what a checkpointing service calls on other processes.

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "process.h"

#define EXPORT __attribute__((visibility("default")))
typedef int CUresult;

enum { KILL_LOOKS_MOST = 10000 }; // at a process that was killed, one a millisecond, until its memory is gone

static int node_connection = -1;

// The node of the caller's library, not of the process that is checkpointed: after a restore those differ.
static int ask_node(struct sim_message *message, const void *payload, void *reply, size_t capacity)
{
    char path[SIM_PATH];
    if (node_connection < 0) {
        sim_own_socket(path, sizeof path);
        node_connection = sim_connect(path);
    }
    return sim_call(node_connection, message, payload, reply, capacity);
}

static void hang(void)
{
    for (;;) {
        pause();
    }
}

static int read_mailbox(int pid, struct sim_mailbox *mailbox)
{
    struct iovec mine = { mailbox, sizeof *mailbox };
    struct iovec theirs = { SIM_MAILBOX_ADDRESS, sizeof *mailbox };
    ssize_t length = process_vm_readv(pid, &mine, 1, &theirs, 1, 0);
    if (length != (ssize_t)sizeof *mailbox || mailbox->magic != SIM_MAGIC) {
        return length < 0 && errno == EPERM ? NOT_PERMITTED : INVALID_VALUE;
    }
    return SUCCESS;
}

static int write_mailbox(int pid, const struct sim_mailbox *mailbox)
{
    struct iovec mine = { (void *)(uintptr_t)mailbox, sizeof *mailbox };
    struct iovec theirs = { SIM_MAILBOX_ADDRESS, sizeof *mailbox };
    return process_vm_writev(pid, &mine, 1, &theirs, 1, 0) == (ssize_t)sizeof *mailbox ? SUCCESS : UNKNOWN;
}

// The thread's id in our pid namespace; 0: the process has no such thread.
static int find_thread(int pid, int inner)
{
    char path[320];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    int found = 0;
    for (struct dirent *entry; tasks != NULL && found == 0 && (entry = readdir(tasks)) != NULL;) {
        char line[256];
        snprintf(path, sizeof path, "/proc/%d/task/%.32s/status", pid, entry->d_name);
        FILE *status = fopen(path, "re");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (strncmp(line, "NSpid:", 6) == 0 && atoi(strrchr(line, '\t')) == inner) {
                found = atoi(entry->d_name);
            }
        }
        if (status != NULL) {
            fclose(status);
        }
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return found;
}

// Asks the process's restore thread and waits for it, without any limit, like the real driver.
static int ask_thread(int pid, uint32_t verb, uint32_t timeout_ms, const struct sim_pair *pairs, uint32_t pair_count, uint32_t *state)
{
    struct sim_mailbox mailbox;
    int result = read_mailbox(pid, &mailbox);
    while (result == SUCCESS && mailbox.asked != mailbox.answered) { // an earlier caller's command is still going on
        usleep(500);
        result = read_mailbox(pid, &mailbox);
    }
    int thread = result == SUCCESS ? find_thread(pid, mailbox.tid) : 0;
    if (thread == 0) {
        return result == SUCCESS ? INVALID_VALUE : result;
    }
    uint32_t number = mailbox.asked + 1;
    mailbox.asked = number;
    mailbox.verb = verb;
    mailbox.timeout_ms = timeout_ms;
    mailbox.pair_count = pair_count;
    if (pair_count > 0) {
        memcpy(mailbox.pairs, pairs, pair_count * sizeof *pairs);
    }
    sim_own_socket(mailbox.socket, sizeof mailbox.socket);
    if (write_mailbox(pid, &mailbox) != SUCCESS) {
        return UNKNOWN;
    }
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_code = SI_QUEUE;
    if (syscall(SYS_rt_tgsigqueueinfo, pid, thread, SIM_SIGNAL, &info) < 0) {
        return UNKNOWN;
    }
    while ((result = read_mailbox(pid, &mailbox)) == SUCCESS && mailbox.answered != number) {
        usleep(200);
    }
    if (state != NULL) {
        *state = mailbox.state;
    }
    return result == SUCCESS ? mailbox.result : UNKNOWN; // it died in the middle
}

static bool act(const char *call, int pid, bool after, int *result, uint32_t *value)
{
    struct sim_message message = { .op = OP_FAULT, .a = (uint64_t)pid, .b = after, .payload = (uint32_t)strlen(call) };
    struct sim_mailbox mailbox;
    if (ask_node(&message, call, NULL, 0) < 0) {
        return false;
    }
    switch ((enum sim_effect)message.a) {
    case EFFECT_ERROR:
        *result = (int)message.b;
        return true;
    case EFFECT_HANG:
        hang();
        return true;
    case EFFECT_DELAY:
        usleep((useconds_t)message.b * 1000);
        return false;
    case EFFECT_DIE:
        raise(SIGKILL);
        return true;
    case EFFECT_KILL:
        kill(pid, SIGKILL);
        for (int looks = 0; looks < KILL_LOOKS_MOST && read_mailbox(pid, &mailbox) == SUCCESS; looks++) {
            usleep(1000);
        }
        return false;
    case EFFECT_FAILED:
        (void)ask_thread(pid, SIM_FAIL, 0, NULL, 0, NULL);
        *result = message.b == 0 ? UNKNOWN : (int)message.b;
        return true;
    case EFFECT_VALUE:
        *value = (uint32_t)message.b;
        return false;
    case EFFECT_NONE:
        break;
    }
    return false;
}

// Processes that share device memory hold each other: while one of them is not running, calls on the others do not
// return, unless all of them belong to one job; then they must come one after the other.
static int wait_for_peers(const struct sim_mailbox *mailbox)
{
    for (;;) {
        struct sim_message message = { .op = OP_COUPLED, .client = mailbox->client };
        if (ask_node(&message, NULL, NULL, 0) < 0 || message.b != 0 || message.a == 0) {
            return message.b != 0 && message.c != 0 ? ILLEGAL_STATE : SUCCESS;
        }
        usleep(5000);
    }
}

static void mark(uint32_t op, uint64_t client, int pid)
{
    struct sim_message message = { .op = op, .client = client, .a = (uint64_t)pid };
    (void)ask_node(&message, NULL, NULL, 0);
}

static CUresult call(const char *name, int pid, uint32_t verb, uint32_t timeout_ms, const struct sim_pair *pairs, uint32_t count, uint32_t *state)
{
    int result = SUCCESS;
    uint32_t value = UINT32_MAX;
    struct sim_mailbox mailbox;
    struct sim_message message = { .op = OP_NODE };
    static struct sim_node node;
    if (ask_node(&message, NULL, &node, sizeof node) < 0) {
        return NO_DEVICE;
    }
    if (act(name, pid, false, &result, &value)) {
        return result;
    }
    if (node.cuda < 12080 || (count > 0 && node.cuda < 13000)) {
        return NOT_SUPPORTED;
    }
    if (verb == SIM_RESTORE && !process.initialized && !node.persistence) {
        return NOT_INITIALIZED;
    }
    if (verb != SIM_GET_STATE && getenv("CUDA_VISIBLE_DEVICES") != NULL) {
        return INVALID_VALUE; // the caller must see every GPU of the process
    }
    result = read_mailbox(pid, &mailbox);
    if (result != SUCCESS) {
        return result;
    }
    result = wait_for_peers(&mailbox);
    if (result == SUCCESS) {
        mark(OP_BEGIN, mailbox.client, pid);
        result = ask_thread(pid, verb, timeout_ms, pairs, count, state);
        mark(OP_END, mailbox.client, pid);
    }
    (void)act(name, pid, true, &result, &value);
    if (state != NULL && value != UINT32_MAX) {
        *state = value;
    }
    return result;
}

EXPORT CUresult cuCheckpointProcessGetRestoreThreadId(int pid, int *tid)
{
    struct sim_mailbox mailbox;
    int result = SUCCESS;
    uint32_t value = 0;
    if (act("probe", pid, false, &result, &value)) {
        return result;
    }
    result = read_mailbox(pid, &mailbox);
    if (result == SUCCESS) {
        *tid = find_thread(pid, mailbox.tid);
        result = *tid != 0 ? SUCCESS : NOT_INITIALIZED;
    }
    return result;
}

EXPORT CUresult cuCheckpointProcessGetState(int pid, int *state)
{
    uint32_t found = 0;
    CUresult result = call("state", pid, SIM_GET_STATE, 0, NULL, 0, &found);
    *state = (int)found;
    return result;
}

static bool is_zero(const unsigned char *bytes, size_t from, size_t to)
{
    for (; from < to; from++) {
        if (bytes[from] != 0) {
            return false;
        }
    }
    return true;
}

EXPORT CUresult cuCheckpointProcessLock(int pid, const void *arguments)
{
    uint32_t timeout_ms = 0;
    if (arguments != NULL) {
        memcpy(&timeout_ms, arguments, sizeof timeout_ms);
        if (!is_zero(arguments, 4, 64)) {
            return INVALID_VALUE;
        }
    }
    return call("lock", pid, SIM_LOCK, timeout_ms, NULL, 0, NULL);
}

EXPORT CUresult cuCheckpointProcessCheckpoint(int pid, const void *arguments)
{
    return arguments != NULL && !is_zero(arguments, 0, 64) ? INVALID_VALUE : call("checkpoint", pid, SIM_CHECKPOINT, 0, NULL, 0, NULL);
}

EXPORT CUresult cuCheckpointProcessRestore(int pid, const void *arguments)
{
    const struct sim_pair *pairs = NULL;
    uint32_t count = 0;
    if (arguments != NULL) {
        memcpy(&pairs, arguments, sizeof pairs);
        memcpy(&count, (const unsigned char *)arguments + 8, sizeof count);
        if (!is_zero(arguments, 12, 64) || count > SIM_DEVICES_MOST * 4) {
            return INVALID_VALUE;
        }
    }
    return call("restore", pid, SIM_RESTORE, 0, pairs, count, NULL);
}

EXPORT CUresult cuCheckpointProcessUnlock(int pid, const void *arguments)
{
    return arguments != NULL && !is_zero(arguments, 0, 64) ? INVALID_VALUE : call("unlock", pid, SIM_UNLOCK, 0, NULL, 0, NULL);
}
