// checkpointer-gpu: the only process that loads NVIDIA's libraries. `serve` answers requests about the CUDA
// state of processes; `inventory` says once what GPUs there are. Both call the driver in a child that can be
// killed when the driver does not answer. The protocol is in docs/native.md.

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/text.h"
#include "gpu/inventory.h"
#include "gpu/scrub.h"
#include "gpu/supervise.h"

enum { INVENTORY_DEADLINE_MS = 30000, INVENTORY_DEADLINE_MOST_SECONDS = 3600 };

static const char usage[] =
    "usage: checkpointer-gpu serve [--cuda-library FILE]\n"
    "       checkpointer-gpu inventory [--nvml-library FILE] [--deadline SECONDS]\n";

static int run_serve(int count, char **arguments)
{
    const char *library = "libcuda.so.1";
    if (count == 2 && strcmp(arguments[0], "--cuda-library") == 0) {
        library = arguments[1];
    } else if (count != 0) {
        fputs(usage, stderr);
        return 2;
    }
    return supervise(library);
}

static int run_inventory(int count, char **arguments)
{
    const char *library = "libnvidia-ml.so.1";
    int64_t deadline_ms = INVENTORY_DEADLINE_MS;
    for (int i = 0; i < count; i += 2) {
        if (i + 1 < count && strcmp(arguments[i], "--nvml-library") == 0) {
            library = arguments[i + 1];
        } else if (i + 1 >= count || strcmp(arguments[i], "--deadline") != 0 ||
                   !text_parse_seconds(arguments[i + 1], INVENTORY_DEADLINE_MOST_SECONDS, &deadline_ms)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    return inventory(library, deadline_ms);
}

int main(int count, char **arguments)
{
    report_as("checkpointer-gpu");
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)open("/dev/null", O_RDWR);
        }
    }
    if (scrub_environment(arguments) < 0) {
        report("%s", failure());
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (count >= 2 && strcmp(arguments[1], "serve") == 0) {
        return run_serve(count - 2, arguments + 2);
    }
    if (count >= 2 && strcmp(arguments[1], "inventory") == 0) {
        return run_inventory(count - 2, arguments + 2);
    }
    fputs(usage, stderr);
    return 2;
}
