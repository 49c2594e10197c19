#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "node.h"

enum { CLIENTS_MOST = 128, BLOCKS_MOST = 4096 };

static struct client {
    uint64_t id; // 0: free
    int pid;
    uint32_t state;
    bool job;
    int calls;   // checkpoint calls on it that are going on
    char group[32];
    int64_t busy_until;
} clients[CLIENTS_MOST];

static struct block {
    uint64_t client; // 0: free
    uint64_t address;
    uint64_t size;
    uint32_t device;
    int64_t released; // it counts as used until then, although it is not there any more; 0: it is there
    unsigned char *data;
} blocks[BLOCKS_MOST];

static uint64_t next_address = SIM_FIRST_ADDRESS;

static struct client *find(uint64_t id)
{
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        if (clients[i].id == id && id != 0) {
            return &clients[i];
        }
    }
    return NULL;
}

void client_hello(const struct sim_message *message, int pid, const char *group)
{
    struct client *client = find(message->client);
    for (size_t i = 0; client == NULL && i < CLIENTS_MOST; i++) {
        if (clients[i].id == 0 || (kill(clients[i].pid, 0) < 0 && clients[i].calls == 0)) {
            client = &clients[i];
            memset(client, 0, sizeof *client);
        }
    }
    if (client != NULL) {
        client->id = message->client;
        client->pid = pid;
        client->job = (message->a & FLAG_JOB) != 0;
        client->calls = 0;
        snprintf(client->group, sizeof client->group, "%s", group);
    }
}

static void drop(struct block *block)
{
    if (block->data != NULL) {
        munmap(block->data, block->size);
        block->data = NULL;
    }
}

static void expire(void)
{
    for (size_t i = 0; i < BLOCKS_MOST; i++) {
        if (blocks[i].client != 0 && blocks[i].released != 0 && blocks[i].released <= sim_now_ms()) {
            memset(&blocks[i], 0, sizeof blocks[i]);
        }
    }
}

static void release(uint64_t id, uint32_t lag_ms)
{
    for (size_t i = 0; i < BLOCKS_MOST; i++) {
        if (blocks[i].client == id && blocks[i].released == 0) {
            drop(&blocks[i]);
            blocks[i].released = sim_now_ms() + lag_ms;
        }
    }
}

void client_gone(uint64_t id, int pid)
{
    struct client *client = find(id);
    if (client != NULL && client->pid == pid && client->state != CHECKPOINTED) {
        release(id, 0);
        client->id = 0;
    }
}

uint64_t device_used(uint32_t device)
{
    expire();
    uint64_t used = 0;
    for (size_t i = 0; i < BLOCKS_MOST; i++) {
        used += blocks[i].client != 0 && blocks[i].device == device ? blocks[i].size : 0;
    }
    return used;
}

uint32_t device_processes(uint32_t device, struct sim_process *processes, uint32_t most)
{
    expire();
    uint32_t count = 0;
    for (size_t c = 0; c < CLIENTS_MOST && count < most; c++) {
        uint64_t used = 0;
        for (size_t i = 0; i < BLOCKS_MOST; i++) {
            used += blocks[i].client == clients[c].id && blocks[i].device == device ? blocks[i].size : 0;
        }
        if (clients[c].id != 0 && used > 0) {
            processes[count++] = (struct sim_process){ .pid = (uint32_t)clients[c].pid, .used = used };
        }
    }
    return count;
}

static struct block *block_at(uint64_t id, uint64_t address, uint64_t size)
{
    for (size_t i = 0; i < BLOCKS_MOST; i++) {
        struct block *block = &blocks[i];
        if (block->client == id && block->data != NULL && address >= block->address && size <= block->size &&
            address - block->address <= block->size - size) {
            return block;
        }
    }
    return NULL;
}

static int allocate(struct sim_message *message)
{
    uint64_t size = (message->a + 0x1fffff) & ~UINT64_C(0x1fffff); // like the real one, in units of 2 MiB
    if (message->b >= node.count || message->a == 0 || message->a > UINT64_C(1) << 40) {
        return INVALID_VALUE;
    }
    if (device_used((uint32_t)message->b) + size > node.devices[message->b].memory) {
        return OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < BLOCKS_MOST; i++) {
        struct block *block = &blocks[i];
        if (block->client == 0) {
            void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (data == MAP_FAILED) {
                return OUT_OF_MEMORY;
            }
            *block = (struct block){ .client = message->client, .size = size, .device = (uint32_t)message->b, .data = data };
            block->address = message->c != 0 ? message->c : next_address;
            next_address += message->c != 0 ? 0 : size;
            message->a = block->address;
            message->b = size;
            return SUCCESS;
        }
    }
    return OUT_OF_MEMORY;
}

static int launch(struct client *client, const struct sim_message *message)
{
    struct block *block = block_at(message->client, message->a, message->b * 8);
    if (block == NULL || client == NULL) {
        return INVALID_VALUE;
    }
    unsigned char *at = block->data + (message->a - block->address);
    for (uint64_t i = 0; i < message->b; i++) { // what the sample's kernel does
        uint64_t word;
        memcpy(&word, at + 8 * i, sizeof word);
        word = word * UINT64_C(2862933555777941757) + UINT64_C(3037000493) + message->c;
        memcpy(at + 8 * i, &word, sizeof word);
    }
    int64_t now = sim_now_ms();
    client->busy_until = (client->busy_until > now ? client->busy_until : now) + kernel_ms;
    return SUCCESS;
}

static void coupled(struct sim_message *message)
{
    struct client *self = find(message->client);
    message->a = message->b = message->c = 0;
    for (size_t i = 0; self != NULL && self->group[0] != '\0' && i < CLIENTS_MOST; i++) {
        struct client *peer = &clients[i];
        if (peer != self && peer->id != 0 && strcmp(peer->group, self->group) == 0 && kill(peer->pid, 0) == 0) {
            message->a |= peer->state != RUNNING;
            message->c |= peer->calls > 0;
        }
    }
    message->b = self != NULL && self->job;
}

void client_request(struct sim_message *message, const void *payload, void *reply)
{
    struct client *client = find(message->client);
    struct block *block;
    uint32_t length = message->payload;
    message->payload = 0;
    message->result = SUCCESS;
    switch (message->op) {
    case OP_ALLOCATE:
        message->result = allocate(message);
        break;
    case OP_FREE:
        block = block_at(message->client, message->a, 1);
        message->result = block == NULL || block->address != message->a ? INVALID_VALUE : SUCCESS;
        if (message->result == SUCCESS) {
            drop(block);
            memset(block, 0, sizeof *block);
        }
        break;
    case OP_WRITE:
        block = block_at(message->client, message->a, length);
        message->result = block == NULL ? INVALID_VALUE : SUCCESS;
        if (block != NULL) {
            memcpy(block->data + (message->a - block->address), payload, length);
        }
        break;
    case OP_READ:
        block = message->b > SIM_CHUNK ? NULL : block_at(message->client, message->a, message->b);
        message->result = block == NULL ? INVALID_VALUE : SUCCESS;
        if (block != NULL) {
            memcpy(reply, block->data + (message->a - block->address), message->b);
            message->payload = (uint32_t)message->b;
        }
        break;
    case OP_LAUNCH:
        message->result = launch(client, message);
        break;
    case OP_BUSY:
        message->a = client == NULL || client->busy_until <= sim_now_ms() ? 0 : (uint64_t)(client->busy_until - sim_now_ms());
        break;
    case OP_RELEASE:
        release(message->client, release_lag_ms);
        break;
    case OP_STATE:
        if (client != NULL) {
            client->state = (uint32_t)message->a;
        }
        break;
    case OP_COUPLED:
        coupled(message);
        break;
    case OP_BEGIN:
    case OP_END:
        if (client != NULL) {
            client->calls += message->op == OP_BEGIN ? 1 : client->calls > 0 ? -1 : 0;
        }
        break;
    default:
        message->result = INVALID_VALUE;
        break;
    }
}
