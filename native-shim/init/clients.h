#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLIENTS_MOST = 64,         // connections at once; the longest idle one makes room for a new one
    CLIENT_LINE_MOST = 256,    // bytes of one command, its end included
    CLIENT_UNREAD_MOST = 1024, // bytes of answers that a client has not read; who lets more pile up is dropped
};

// One connection to the control socket.
struct client {
    int fd; // -1: the slot is free
    bool starter;  // sent `start`: gets CRIU's outcome
    bool waiting;  // sent `wait`
    bool ended;    // sends no more
    int64_t last_used;
    size_t in_length;
    size_t out_length;
    char in[CLIENT_LINE_MOST];
    char out[CLIENT_UNREAD_MOST];
};

// Called for each complete line, without its end.
typedef void client_handler(void *context, struct client *client, const char *line);

struct clients {
    int listener;
    client_handler *handler;
    void *context;
    struct client list[CLIENTS_MOST];
};

void clients_init(struct clients *clients, int listener, client_handler *handler, void *context);

// Takes the waiting connections, a bounded number, whose peer is root (or who we are).
void clients_accept(struct clients *clients);

// Whether anybody is connected.
bool clients_any(const struct clients *clients);

// What poll() should watch for a client.
short clients_wanted(const struct client *client);

// Serves a client after poll().
void clients_serve(struct clients *clients, struct client *client, short happened);

// Queues text for a client and sends what the socket takes.
void client_send(struct client *client, const char *text);

void clients_send_all(struct clients *clients, const char *text);
void clients_send_starter(struct clients *clients, const char *text);

// Waits up to `milliseconds` until all answers are taken, then closes everything.
void clients_close(struct clients *clients, int milliseconds);
