#include "init/loop.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "init/commands.h"
#include "init/owner.h"

enum {
    FAREWELL_MS = 1000, // how long clients may take to read their last answers
    POLLED_MOST = 2 + MAPS_MOST + CLIENTS_MOST,
};

// Where each group of descriptors lies in the polled array. Closed ones are -1, which poll() skips.
enum { AT_SIGNALS = 0, AT_LISTENER = 1, AT_SOURCES = 2, AT_CLIENTS = AT_SOURCES + MAPS_MOST };

static void fill(const struct owner *owner, int signals, struct pollfd polled[POLLED_MOST])
{
    polled[AT_SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
    polled[AT_LISTENER] = (struct pollfd){ .fd = owner->clients.listener, .events = POLLIN };
    for (size_t i = 0; i < MAPS_MOST; i++) {
        int source = i < owner->drain.source_count ? owner->drain.sources[i] : -1;
        polled[AT_SOURCES + i] = (struct pollfd){ .fd = source, .events = POLLIN };
    }
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        const struct client *client = &owner->clients.list[i];
        polled[AT_CLIENTS + i] = (struct pollfd){ .fd = client->fd, .events = client->fd < 0 ? 0 : clients_wanted(client) };
    }
}

static void take_signals(struct owner *owner, int signals)
{
    struct signalfd_siginfo information;
    while (read(signals, &information, sizeof information) == (ssize_t)sizeof information) {
        owner_take_signal(owner, (int)information.ssi_signo);
    }
}

static void serve(struct owner *owner, int signals, const struct pollfd polled[POLLED_MOST])
{
    if (polled[AT_SIGNALS].revents != 0) {
        take_signals(owner, signals);
    }
    for (size_t i = 0; i < owner->drain.source_count; i++) {
        if (polled[AT_SOURCES + i].revents != 0) {
            drain_read(&owner->drain, i);
        }
    }
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        const struct pollfd *at = &polled[AT_CLIENTS + i];
        if (at->revents != 0 && owner->clients.list[i].fd == at->fd) {
            clients_serve(&owner->clients, &owner->clients.list[i], at->revents);
        }
    }
    if (polled[AT_LISTENER].revents != 0) {
        clients_accept(&owner->clients);
    }
}

int loop_run(struct restore_options *options, struct state_dir *state, int signals)
{
    static struct owner owner; // large: kept off the stack
    owner_init(&owner, options, state);
    clients_init(&owner.clients, state->listener, commands_handle, &owner);
    while (!owner_is_done(&owner)) {
        struct pollfd polled[POLLED_MOST];
        fill(&owner, signals, polled);
        if (poll(polled, POLLED_MOST, owner_patience_ms(&owner)) > 0) {
            serve(&owner, signals, polled);
        }
        owner_reap(&owner);
        owner_tick(&owner);
    }
    drain_flush(&owner.drain);
    clients_close(&owner.clients, FAREWELL_MS);
    state_dir_remove_socket(state);
    return owner_exit_code(&owner);
}
