#include "init/door.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"
#include "common/text.h"

int door_open(void)
{
    int ends[2];
    if (fcntl(DOOR_FD, F_GETFD) >= 0) {
        return fail("descriptor %d, which the engine looks for, is somebody else's", DOOR_FD);
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
        return fail("cannot make a pair of sockets: %m");
    }
    if (dup3(ends[1], DOOR_FD, O_CLOEXEC) < 0) {
        return fail("cannot make descriptor %d: %m", DOOR_FD);
    }
    close(ends[1]);
    return ends[0];
}

// Reads one request and the descriptor that came with it, or -1. False when there is none, or none that can be read.
static bool receive(int inner, char request[DOOR_MESSAGE_MOST], int *reply)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { .iov_base = request, .iov_len = DOOR_MESSAGE_MOST - 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    ssize_t length;
    do {
        length = recvmsg(inner, &message, MSG_CMSG_CLOEXEC);
    } while (length < 0 && errno == EINTR);
    *reply = -1;
    if (length < 0) {
        return false;
    }
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
        && header->cmsg_len == CMSG_LEN(sizeof(int))) {
        memcpy(reply, CMSG_DATA(header), sizeof *reply);
    }
    bool is_whole = (message.msg_flags & MSG_TRUNC) == 0 && memchr(request, '\0', (size_t)length) == NULL;
    request[is_whole ? length : 0] = '\0';
    return true;
}

static void answer(int inner, int reply, const char *sequence, const char *text)
{
    char line[HOLDER_ANSWER_MAX + 32];
    int length = snprintf(line, sizeof line, "%s %s", sequence, text);
    // Nobody may ever read it; we wait for nobody.
    (void)send(reply >= 0 ? reply : inner, line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void serve_one(int inner, int reply, struct holder *holder, char *request)
{
    char text[HOLDER_ANSWER_MAX] = "error not SEQUENCE COMMAND";
    char *command = strchr(request, ' ');
    int64_t number;
    if (command != NULL) {
        *command++ = '\0';
    }
    if (command == NULL || !text_parse_number(request, 0, INT64_MAX / 16, &number)) {
        answer(inner, reply, "0", text);
        return;
    }
    holder_obey(holder, command, text);
    answer(inner, reply, request, text);
}

void door_serve(int inner, struct holder *holder)
{
    for (int served = 0; served < DOOR_AT_ONCE && holder->phase <= HOLDER_RUNNING; served++) {
        char request[DOOR_MESSAGE_MOST];
        int reply;
        if (!receive(inner, request, &reply)) {
            return;
        }
        serve_one(inner, reply, holder, request);
        fd_close(&reply);
    }
}
