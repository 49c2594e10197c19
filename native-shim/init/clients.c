#include "init/clients.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failure.h"
#include "common/fd.h"

enum {
    ACCEPT_PAUSE_MS = 20,
    ACCEPTS_AT_ONCE = 16, // then the others have their turn
};

void clients_init(struct clients *clients, int listener, client_handler *handler, void *context)
{
    *clients = (struct clients){ .listener = listener, .handler = handler, .context = context };
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        clients->list[i].fd = -1;
    }
}

static void drop(struct client *client)
{
    fd_close(&client->fd);
    *client = (struct client){ .fd = -1 };
}

static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
        return false;
    }
    return peer.uid == 0 || peer.uid == geteuid();
}

static struct client *find_slot(struct clients *clients)
{
    struct client *idle = NULL;
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        struct client *client = &clients->list[i];
        if (client->fd < 0) {
            return client;
        }
        if (!client->starter && !client->waiting && (idle == NULL || client->last_used < idle->last_used)) {
            idle = client;
        }
    }
    if (idle != NULL) {
        drop(idle);
    }
    return idle;
}

static void admit(struct clients *clients, int fd)
{
    static const char refused[] = "error not permitted\n";
    static const char full[] = "error too many clients\n";
    if (!is_trusted(fd)) {
        (void)send(fd, refused, sizeof refused - 1, MSG_NOSIGNAL);
        close(fd);
        return;
    }
    struct client *client = find_slot(clients);
    if (client == NULL) {
        (void)send(fd, full, sizeof full - 1, MSG_NOSIGNAL);
        close(fd);
        return;
    }
    *client = (struct client){ .fd = fd, .last_used = now_ms() };
}

void clients_accept(struct clients *clients)
{
    for (int accepted = 0; accepted < ACCEPTS_AT_ONCE; accepted++) {
        int fd = accept4(clients->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                (void)poll(NULL, 0, ACCEPT_PAUSE_MS); // descriptors or memory are short, and the listener tells again at once
            }
            return;
        }
        admit(clients, fd);
    }
}

static void flush(struct client *client)
{
    while (client->fd >= 0 && client->out_length > 0) {
        ssize_t sent = send(client->fd, client->out, client->out_length, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno != EAGAIN) {
                drop(client);
            }
            return;
        }
        client->out_length -= (size_t)sent;
        memmove(client->out, client->out + sent, client->out_length);
    }
}

void client_send(struct client *client, const char *text)
{
    size_t length = strlen(text);
    if (client->fd < 0) {
        return;
    }
    if (length > CLIENT_UNREAD_MOST - client->out_length) {
        drop(client);
        return;
    }
    memcpy(client->out + client->out_length, text, length);
    client->out_length += length;
    flush(client);
}

void clients_send_all(struct clients *clients, const char *text)
{
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        client_send(&clients->list[i], text);
    }
}

void clients_send_starter(struct clients *clients, const char *text)
{
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        if (clients->list[i].starter) {
            client_send(&clients->list[i], text);
        }
    }
}

static void handle_lines(struct clients *clients, struct client *client)
{
    char *end;
    while (client->fd >= 0 && (end = memchr(client->in, '\n', client->in_length)) != NULL) {
        size_t length = (size_t)(end - client->in);
        char line[CLIENT_LINE_MOST];
        memcpy(line, client->in, length);
        line[length] = '\0';
        client->in_length -= length + 1;
        memmove(client->in, end + 1, client->in_length);
        client->last_used = now_ms();
        clients->handler(clients->context, client, strlen(line) == length ? line : "\x01");
    }
    if (client->fd >= 0 && client->in_length == CLIENT_LINE_MOST) {
        client_send(client, "error line too long\n");
        drop(client);
    }
}

static void receive(struct clients *clients, struct client *client)
{
    ssize_t length = recv(client->fd, client->in + client->in_length, CLIENT_LINE_MOST - client->in_length, 0);
    if (length > 0) {
        client->in_length += (size_t)length;
        handle_lines(clients, client);
    } else if (length == 0) {
        client->ended = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        drop(client);
    }
}

bool clients_any(const struct clients *clients)
{
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        if (clients->list[i].fd >= 0) {
            return true;
        }
    }
    return false;
}

short clients_wanted(const struct client *client)
{
    return (short)((client->ended ? 0 : POLLIN) | (client->out_length > 0 ? POLLOUT : 0));
}

void clients_serve(struct clients *clients, struct client *client, short happened)
{
    if ((happened & POLLOUT) != 0) {
        flush(client);
    }
    if (client->fd >= 0 && (happened & POLLIN) != 0 && !client->ended) {
        receive(clients, client);
    }
    if (client->fd < 0) {
        return;
    }
    // A peer that only sends no more (shut down for writing) may still read its answers.
    bool is_gone = (happened & (POLLERR | POLLNVAL)) != 0 || ((happened & POLLHUP) != 0 && (happened & POLLIN) == 0);
    bool is_done = client->ended && client->out_length == 0 && !client->waiting && !client->starter;
    if (is_gone || is_done) {
        drop(client);
    }
}

void clients_close(struct clients *clients, int milliseconds)
{
    int64_t deadline = now_ms() + milliseconds;
    for (;;) {
        struct pollfd polled[CLIENTS_MOST];
        nfds_t count = 0;
        for (size_t i = 0; i < CLIENTS_MOST; i++) {
            flush(&clients->list[i]);
            if (clients->list[i].fd >= 0 && clients->list[i].out_length > 0) {
                polled[count++] = (struct pollfd){ .fd = clients->list[i].fd, .events = POLLOUT };
            }
        }
        if (count == 0 || left_ms(deadline) == 0) {
            break;
        }
        (void)poll(polled, count, left_ms(deadline));
    }
    for (size_t i = 0; i < CLIENTS_MOST; i++) {
        drop(&clients->list[i]);
    }
    fd_close(&clients->listener);
}
