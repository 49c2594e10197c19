#include "hook/exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failure.h"
#include "common/fd.h"
#include "common/unix_path.h"

enum {
    LINE_MOST = 256,       // bytes of a question or an answer
    BACKLOG_PAUSE_MS = 20, // a full backlog gives no event to wait for
};

static int connect_by(int socket_fd, const struct sockaddr_un *address, int64_t deadline)
{
    while (connect(socket_fd, (const struct sockaddr *)address, sizeof *address) < 0) {
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN) { // EAGAIN: the listener's backlog is full
            return fail("cannot connect to the engine's hook socket: %m");
        }
        if (left_ms(deadline) == 0) {
            return fail("the engine did not take the connection in time");
        }
        poll(NULL, 0, BACKLOG_PAUSE_MS);
    }
    return 0;
}

static int wait_for(int socket_fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd waited = { .fd = socket_fd, .events = events };
        int ready = poll(&waited, 1, left_ms(deadline));
        if (ready > 0) {
            return 0;
        }
        if (ready < 0 && errno != EINTR) {
            return fail("cannot wait for the engine: %m");
        }
        if (left_ms(deadline) == 0) {
            return fail("the engine did not answer in time");
        }
    }
}

static int send_line(int socket_fd, const char *line, size_t length, int64_t deadline)
{
    while (length > 0) {
        ssize_t sent = send(socket_fd, line, length, MSG_NOSIGNAL);
        if (sent >= 0) {
            line += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN) {
            if (wait_for(socket_fd, POLLOUT, deadline) < 0) {
                return -1;
            }
        } else if (errno != EINTR) {
            return fail("cannot ask the engine: %m");
        }
    }
    return 0;
}

static int receive_line(int socket_fd, char *line, size_t size, int64_t deadline)
{
    size_t length = 0;
    for (;;) {
        ssize_t received = recv(socket_fd, line + length, size - 1 - length, 0);
        if (received > 0) {
            char *end = memchr(line + length, '\n', (size_t)received);
            if (end != NULL) {
                *end = '\0';
                // A zero byte before the end would make the answer look shorter than it is.
                return strlen(line) == (size_t)(end - line) ? 0 : fail("the engine's answer is not text");
            }
            length += (size_t)received;
            if (length >= size - 1) {
                return fail("the engine's answer is longer than %zu bytes", size - 1);
            }
        } else if (received == 0) {
            return fail("the engine closed the connection without an answer");
        } else if (errno == EAGAIN) {
            if (wait_for(socket_fd, POLLIN, deadline) < 0) {
                return -1;
            }
        } else if (errno != EINTR) {
            return fail("cannot read the engine's answer: %m");
        }
    }
}

static int converse(int socket_fd, const struct hook_request *request, int64_t deadline)
{
    struct sockaddr_un address;
    int directory;
    if (unix_path_address(request->socket_path, &address, &directory) < 0) {
        return -1;
    }
    int connected = connect_by(socket_fd, &address, deadline);
    fd_close(&directory);
    if (connected < 0) {
        return -1;
    }
    char line[LINE_MOST];
    int length = snprintf(line, sizeof line, "hook 1 %s %s %s %s\n", request->token, request->operation, request->action,
                          request->init_pid);
    if (length < 0 || (size_t)length >= sizeof line) {
        return fail("the question is too long");
    }
    if (send_line(socket_fd, line, (size_t)length, deadline) < 0 || receive_line(socket_fd, line, sizeof line, deadline) < 0) {
        return -1;
    }
    if (strcmp(line, "go") != 0) {
        return fail("the engine said no: %s", line);
    }
    return 0;
}

int hook_exchange(const struct hook_request *request)
{
    int64_t deadline = now_ms() + request->deadline_ms;
    int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_fd < 0) {
        return fail("cannot make a socket: %m");
    }
    int outcome = converse(socket_fd, request, deadline);
    fd_close(&socket_fd);
    return outcome;
}
