// SIMULATOR. The connection to the node's daemon. The real driver has none, so nobody may see this one: it belongs to a
// thread that has a table of descriptors of its own, and is closed between checkpoint and restore.

#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

static struct {
    pthread_mutex_t callers; // one request at a time
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool waiting;            // a job is there
    bool done;
    const char *connect_to;  // the job is to connect
    bool disconnect;
    struct sim_message *message;
    const void *payload;
    void *reply;
    size_t capacity;
    int outcome;
} wire = { .callers = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static void work(int *connection)
{
    if (wire.connect_to != NULL) {
        // Also after CRIU built this process anew: all threads share one table then.
        (void)close_range(3, UINT_MAX, CLOSE_RANGE_UNSHARE);
        *connection = sim_connect(wire.connect_to);
        wire.outcome = *connection < 0 ? -1 : 0;
    } else if (wire.disconnect) {
        close(*connection);
        *connection = -1;
        wire.outcome = 0;
    } else {
        wire.outcome = sim_call(*connection, wire.message, wire.payload, wire.reply, wire.capacity);
    }
}

static void *run(void *argument)
{
    (void)argument;
    int connection = -1;
    pthread_mutex_lock(&wire.lock);
    for (;;) {
        while (!wire.waiting) {
            pthread_cond_wait(&wire.moved, &wire.lock);
        }
        work(&connection);
        wire.waiting = false;
        wire.done = true;
        pthread_cond_broadcast(&wire.moved);
    }
    return NULL;
}

// With wire.callers held and the job filled in.
static int hand_over(void)
{
    pthread_mutex_lock(&wire.lock);
    wire.done = false;
    wire.waiting = true;
    pthread_cond_broadcast(&wire.moved);
    while (!wire.done) {
        pthread_cond_wait(&wire.moved, &wire.lock);
    }
    int outcome = wire.outcome;
    wire.connect_to = NULL;
    wire.disconnect = false;
    pthread_mutex_unlock(&wire.lock);
    return outcome;
}

int process_request(struct sim_message *message, const void *payload, void *reply, size_t capacity)
{
    message->client = process.client;
    pthread_mutex_lock(&wire.callers);
    wire.message = message;
    wire.payload = payload;
    wire.reply = reply;
    wire.capacity = capacity;
    int outcome = process.connected ? hand_over() : -1;
    pthread_mutex_unlock(&wire.callers);
    return outcome < 0 ? UNKNOWN : message->result;
}

void process_disconnect(void)
{
    pthread_mutex_lock(&wire.callers);
    wire.disconnect = true;
    (void)hand_over();
    process.connected = false;
    pthread_mutex_unlock(&wire.callers);
}

int process_connect(const char *socket_path)
{
    pthread_mutex_lock(&wire.callers);
    wire.connect_to = socket_path;
    process.connected = hand_over() == 0;
    pthread_mutex_unlock(&wire.callers);
    struct sim_message hello = { .op = OP_HELLO, .a = process.flags, .payload = (uint32_t)strlen(process.group) };
    if (process_request(&hello, process.group, &process.node, sizeof process.node) != SUCCESS) {
        if (process.connected) {
            process_disconnect();
        }
        return NO_DEVICE;
    }
    return SUCCESS;
}

int process_start_wire(void)
{
    static bool started;
    if (started) {
        return SUCCESS;
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    started = pthread_create(&thread, NULL, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started ? SUCCESS : OPERATING_SYSTEM;
}
