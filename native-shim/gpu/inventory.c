#include "gpu/inventory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failure.h"
#include "common/fd.h"
#include "gpu/nvml.h"

enum { INVENTORY_MOST = 1 << 20 }; // bytes: 16 GPUs with their processes take some 50 KiB

static char text[INVENTORY_MOST];

static void print_error(const char *code, const char *message)
{
    static char error[FAILURE_MAX * 8];
    struct json json = { .text = error, .size = sizeof error };
    json_begin(&json, '{', NULL);
    json_begin(&json, '{', "error");
    json_string(&json, "code", code);
    json_string(&json, "message", message);
    json_end(&json, '}');
    json_end(&json, '}');
    puts(error);
    fflush(stdout);
}

// In the child: writes the object, or nothing but a first byte '!' and the reason.
static void write_inventory(int out, const char *library)
{
    struct json json = { .text = text, .size = sizeof text };
    if (nvml_inventory(library, &json) < 0) {
        char line[FAILURE_MAX + 2];
        int length = snprintf(line, sizeof line, "!%s", failure());
        (void)fd_write_all(out, line, (size_t)length);
    } else if (json.overflown) {
        static const char overflown[] = "!the inventory is larger than expected";
        (void)fd_write_all(out, overflown, sizeof overflown - 1);
    } else {
        (void)fd_write_all(out, json.text, json.length);
    }
}

// Reads to the end. The number of bytes, -1 at the deadline.
static ssize_t read_all(int in, int64_t deadline)
{
    size_t length = 0;
    for (;;) {
        struct pollfd waited = { .fd = in, .events = POLLIN };
        int ready = poll(&waited, 1, left_ms(deadline));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return -1;
        }
        ssize_t received = read(in, text + length, sizeof text - 1 - length);
        if (received <= 0) {
            text[length] = '\0';
            return (ssize_t)length;
        }
        length += (size_t)received;
    }
}

int inventory(const char *library, int64_t deadline_ms)
{
    int64_t deadline = now_ms() + deadline_ms;
    int ends[2];
    if (pipe(ends) < 0) {
        report("cannot make a pipe: %m");
        return 1;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        report("cannot start the child that calls NVML: %m");
        return 1;
    }
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) {
            _exit(1);
        }
        (void)dup2(STDERR_FILENO, STDOUT_FILENO);
        write_inventory(ends[1], library);
        _exit(0);
    }
    close(ends[1]);
    ssize_t length = read_all(ends[0], deadline);
    if (length < 0) {
        kill(pid, SIGKILL); // not waited for: a child that is stuck in the kernel cannot be reaped
        print_error("nvml-late", "NVML did not answer in time");
        return 1;
    }
    if (length == 0) {
        print_error("nvml-died", "the process that called NVML died");
        return 1;
    }
    if (text[0] == '!') {
        print_error("nvml-unusable", text + 1);
        return 1;
    }
    puts(text);
    return fflush(stdout) == 0 ? 0 : 1;
}
