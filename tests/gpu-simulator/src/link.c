#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol.h"

int sim_send_all(int fd, const void *data, size_t length)
{
    const char *at = data;
    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return -1;
        }
        at += sent;
        length -= (size_t)sent;
    }
    return 0;
}

int sim_receive_all(int fd, void *data, size_t length)
{
    char *at = data;
    while (length > 0) {
        ssize_t received = recv(fd, at, length, 0);
        if (received < 0 && errno == EINTR) {
            continue;
        }
        if (received <= 0) {
            return -1;
        }
        at += received;
        length -= (size_t)received;
    }
    return 0;
}

int sim_connect(const char *socket_path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(socket_path) >= sizeof address.sun_path) {
        return -1;
    }
    strcpy(address.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int sim_call(int fd, struct sim_message *message, const void *payload, void *reply, size_t capacity)
{
    if (fd < 0 || sim_send_all(fd, message, sizeof *message) < 0 ||
        (message->payload > 0 && sim_send_all(fd, payload, message->payload) < 0) ||
        sim_receive_all(fd, message, sizeof *message) < 0 || message->payload > capacity ||
        (message->payload > 0 && sim_receive_all(fd, reply, message->payload) < 0)) {
        return -1;
    }
    return 0;
}

void sim_own_socket(char *path, size_t size)
{
    Dl_info info;
    const char *folder = getenv("GPU_SIMULATOR_NODE");
    if (folder != NULL) {
        snprintf(path, size, "%s/" SIM_SOCKET, folder);
        return;
    }
    if (dladdr((void *)(uintptr_t)sim_own_socket, &info) == 0 || info.dli_fname == NULL || strrchr(info.dli_fname, '/') == NULL) {
        snprintf(path, size, "./" SIM_SOCKET);
        return;
    }
    snprintf(path, size, "%.*s/" SIM_SOCKET, (int)(strrchr(info.dli_fname, '/') - info.dli_fname), info.dli_fname);
}
