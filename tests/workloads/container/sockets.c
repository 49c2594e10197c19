/* unix: pair, listener by path, data that waits; tcp: a connection over loopback with data that waits; listen=PORT: answers anybody. */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_PORT 7000
#define WAITING "sent before, read after"
#define PLACE "/tmp/workload.sock"

static int pair[2], waiting_pair[2], unix_listener;

static int unix_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PLACE};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void begin_unix(const char *argument)
{
    (void)argument;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PLACE};
    mkdir("/tmp", 01777);
    unlink(PLACE);
    unix_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, waiting_pair) < 0 ||
        bind(unix_listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(unix_listener, 8) < 0 ||
        !send_all(waiting_pair[0], WAITING, sizeof WAITING))
        die("unix");
}

static void verify_waiting(const char *name, int from, int to)
{
    char text[sizeof WAITING] = "";
    if (!receive_all(to, text, sizeof text) || strcmp(text, WAITING) != 0)
        fail("%s: what was sent before has gone: '%s'", name, text);
    if (!send_all(from, WAITING, sizeof WAITING))
        fail("%s: cannot send", name);
}

static void verify_unix(void)
{
    must_carry("unix", pair[0], pair[1]);
    must_carry("unix, back", pair[1], pair[0]);
    verify_waiting("unix", waiting_pair[0], waiting_pair[1]);
    int client = unix_connect(), server = client < 0 ? -1 : accept4(unix_listener, NULL, NULL, SOCK_CLOEXEC);
    if (server < 0)
        fail("unix: nobody answers at %s: %s", PLACE, strerror(errno));
    else
        must_carry("unix, listener", client, server);
    close(client);
    close(server);
}

static int listen_on(uint32_t where, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(where)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0)
        die("listening on port %u", port);
    return fd;
}

static int tcp_listener, tcp_client, tcp_server;

static int tcp_connect(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || getsockname(tcp_listener, (struct sockaddr *)&address, &length) < 0 || connect(fd, (struct sockaddr *)&address, length) < 0)
        return -1;
    return fd;
}

static void begin_tcp(const char *argument)
{
    (void)argument;
    tcp_listener = listen_on(INADDR_LOOPBACK, 0);
    tcp_client = tcp_connect();
    tcp_server = tcp_client < 0 ? -1 : accept4(tcp_listener, NULL, NULL, SOCK_CLOEXEC);
    if (tcp_server < 0 || !send_all(tcp_client, WAITING, sizeof WAITING))
        die("tcp");
}

static void verify_tcp(void)
{
    verify_waiting("tcp", tcp_client, tcp_server);
    must_carry("tcp, back", tcp_server, tcp_client);
    int client = tcp_connect(), server = client < 0 ? -1 : accept4(tcp_listener, NULL, NULL, SOCK_CLOEXEC);
    if (server < 0)
        fail("tcp: no new connection: %s", strerror(errno));
    else
        must_carry("tcp, new", client, server);
    close(client);
    close(server);
}

static int public_listener;

static void begin_listen(const char *argument)
{
    public_listener = listen_on(INADDR_ANY, argument ? atoi(argument) : DEFAULT_PORT);
    if (fcntl(public_listener, F_SETFL, O_NONBLOCK) < 0)
        die("listen");
}

/* Each who connects gets one line: "count N errors E". */
static void tick_listen(uint64_t count)
{
    int fd = accept4(public_listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    dprintf(fd, "count %llu errors %llu\n", (unsigned long long)count, (unsigned long long)errors_so_far());
    close(fd);
}

static void verify_listen(void)
{
    int listening = 0;
    socklen_t length = sizeof listening;
    if (getsockopt(public_listener, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0 || !listening)
        fail("listen: it does not listen");
}

const struct check unix_check = {"unix", begin_unix, NULL, verify_unix};
const struct check tcp_check = {"tcp", begin_tcp, NULL, verify_tcp};
const struct check listen_check = {"listen", begin_listen, tick_listen, verify_listen};
