#include "init/target.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failure.h"
#include "init/door.h"

enum {
    ASK_PATIENCE_MS = 20000,        // hold answers at once, but for `abandon`, which waits for the dying
    RESTORE_DEFAULT_SECONDS = 3600, // where the engine has not said how long it may take
};

// Sends the command with a descriptor for its answer, so that nobody else who asks takes that from us.
static int send_command(const struct target *target, const char *command, int reply)
{
    char text[DOOR_MESSAGE_MOST];
    int length = snprintf(text, sizeof text, "1 %s", command);
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { .iov_base = text, .iov_len = (size_t)length };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.header), &reply, sizeof reply);
    int64_t deadline = now_ms() + ASK_PATIENCE_MS;
    while (sendmsg(target->door, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) { // the socket may be anybody's
        if (errno == EAGAIN && left_ms(deadline) > 0) {
            struct pollfd polled = { .fd = target->door, .events = POLLOUT };
            (void)poll(&polled, 1, left_ms(deadline));
        } else if (errno != EINTR) {
            return fail("the placeholder cannot be asked: %m");
        }
    }
    return 0;
}

static int read_answer(int end, char answer[TARGET_ANSWER_MAX])
{
    int64_t deadline = now_ms() + ASK_PATIENCE_MS;
    struct pollfd polled = { .fd = end, .events = POLLIN };
    int ready;
    do {
        ready = poll(&polled, 1, left_ms(deadline));
    } while (ready < 0 && errno == EINTR);
    ssize_t length = ready > 0 ? recv(end, answer, TARGET_ANSWER_MAX - 1, MSG_DONTWAIT) : -1;
    if (ready == 0) {
        return fail("the placeholder does not answer");
    }
    if (length <= 0) {
        return fail("the placeholder is gone");
    }
    answer[length] = '\0';
    if (strncmp(answer, "1 error ", 8) == 0) {
        return fail("the placeholder: %s", answer + 8);
    }
    if (strncmp(answer, "1 ok", 4) != 0) {
        return fail("the placeholder gave a strange answer");
    }
    const char *rest = answer[4] == ' ' ? answer + 5 : answer + 4;
    memmove(answer, rest, strlen(rest) + 1);
    return 0;
}

int target_ask(const struct target *target, const char *command, char answer[TARGET_ANSWER_MAX])
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return fail("cannot make a pair of sockets: %m");
    }
    int done = send_command(target, command, ends[1]);
    close(ends[1]); // hold has its own: when it dies we see the end
    if (done == 0) {
        done = read_answer(ends[0], answer);
    }
    close(ends[0]);
    return done;
}

int target_begin(const struct target *target, const char *operation)
{
    char answer[TARGET_ANSWER_MAX];
    char command[DOOR_MESSAGE_MOST];
    if (target_ask(target, "status", answer) < 0) {
        return -1;
    }
    snprintf(command, sizeof command, "restoring %s", operation);
    if (strcmp(answer, command) == 0) {
        return 0;
    }
    snprintf(command, sizeof command, "restoring %s %d", operation, RESTORE_DEFAULT_SECONDS);
    return target_ask(target, command, answer);
}
