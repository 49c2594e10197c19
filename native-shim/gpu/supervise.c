#include "gpu/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failure.h"
#include "common/fd.h"
#include "gpu/execute.h"
#include "gpu/request.h"

enum {
    REAP_MS = 1000,      // a killed child that is still there after this is stuck in the kernel and left behind
    REAP_PAUSE_MS = 2,
    PACKET_MOST = 1024,
};

struct child {
    pid_t pid;   // 0: none
    int channel; // -1: none
};

static int start_child(struct child *child, const char *library)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return fail("cannot make a socket: %m");
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return fail("cannot start the child that calls the driver: %m");
    }
    if (pid == 0) {
        // This process has one thread, so its death is its parent's death and nothing else.
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) {
            _exit(1);
        }
        (void)dup2(STDERR_FILENO, STDOUT_FILENO); // what a driver prints must not read as an answer
        (void)fd_close_all_but(STDERR_FILENO + 1, &ends[1], 1);
        close(STDIN_FILENO);
        execute_requests(ends[1], library);
    }
    close(ends[1]);
    child->pid = pid;
    child->channel = ends[0];
    return 0;
}

static void end_child(struct child *child)
{
    fd_close(&child->channel);
    if (child->pid == 0) {
        return;
    }
    kill(child->pid, SIGKILL);
    int64_t deadline = now_ms() + REAP_MS;
    while (waitpid(child->pid, NULL, WNOHANG) == 0 && left_ms(deadline) > 0) {
        poll(NULL, 0, REAP_PAUSE_MS);
    }
    child->pid = 0;
}

static int say(const char *id, const char *text)
{
    char line[PACKET_MOST + REQUEST_ID_LONGEST + 8];
    int length = snprintf(line, sizeof line - 1, "%s %s", id, text);
    if (length < 0 || (size_t)length >= sizeof line - 1) {
        return fail("an answer is too long");
    }
    for (int i = 0; i < length; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
    line[length] = '\n';
    return fd_write_all(STDOUT_FILENO, line, (size_t)length + 1);
}

static int say_unknown(const struct request *request, const char *why)
{
    char text[128];
    snprintf(text, sizeof text, "error unknown verb=%s why=%s", verb_name(request->verb), why);
    return say(request->id, text);
}

// Relays the child's packets until the last one of the answer. -1: standard output is gone.
static int relay(struct child *child, const struct request *request, int64_t deadline)
{
    for (;;) {
        struct pollfd waited = { .fd = child->channel, .events = POLLIN };
        int ready = poll(&waited, 1, left_ms(deadline));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready == 0 && left_ms(deadline) > 0) {
            continue;
        }
        if (ready <= 0) {
            end_child(child);
            return say_unknown(request, "deadline");
        }
        char packet[PACKET_MOST];
        ssize_t length = recv(child->channel, packet, sizeof packet - 1, 0);
        if (length <= 0) {
            end_child(child);
            return say_unknown(request, "died");
        }
        packet[length] = '\0';
        if (say(request->id, packet) < 0) {
            return -1;
        }
        if (strncmp(packet, "item ", 5) != 0) {
            return 0;
        }
    }
}

static int handle(struct child *child, const char *library, const char *line)
{
    static struct request request;
    static char words[REQUEST_LINE_MOST];
    strcpy(words, line);
    if (request_parse(words, &request) < 0) {
        char text[FAILURE_MAX + 32];
        snprintf(text, sizeof text, "error usage text=%s", failure());
        return say(request.id, text);
    }
    int64_t deadline = now_ms() + request.deadline_ms;
    if (child->pid == 0 && start_child(child, library) < 0) {
        char text[FAILURE_MAX + 32];
        snprintf(text, sizeof text, "error worker text=%s", failure());
        return say(request.id, text);
    }
    if (send(child->channel, line, strlen(line), MSG_NOSIGNAL) < 0) {
        end_child(child); // it died between two requests: this one was not begun
        return say(request.id, "error worker text=the child that calls the driver died before the request reached it");
    }
    return relay(child, &request, deadline);
}

int supervise(const char *library)
{
    struct child child = { .pid = 0, .channel = -1 };
    static char line[REQUEST_LINE_MOST];
    size_t length = 0;
    int outcome = 0;
    for (;;) {
        ssize_t received = read(STDIN_FILENO, line + length, sizeof line - 1 - length);
        if (received < 0 && errno == EINTR) {
            continue;
        }
        if (received <= 0) {
            break; // who asked is gone: the request in progress, if there was one, has been carried to its end
        }
        length += (size_t)received;
        char *end;
        while (outcome == 0 && (end = memchr(line, '\n', length)) != NULL) {
            *end = '\0';
            outcome = handle(&child, library, line);
            length -= (size_t)(end + 1 - line);
            memmove(line, end + 1, length);
        }
        if (outcome < 0) {
            break;
        }
        if (length >= sizeof line - 1) {
            report("a request is longer than %zu bytes", sizeof line - 1);
            outcome = -1;
            break;
        }
    }
    end_child(&child);
    return outcome < 0 ? 1 : 0;
}
