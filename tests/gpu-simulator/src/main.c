// gpu-simulator: the devices of one simulated node, and the way to tell it what shall go wrong.

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "node.h"

pthread_mutex_t node_lock = PTHREAD_MUTEX_INITIALIZER;

static const char usage[] =
    "usage: gpu-simulator node --dir DIR --profile FILE [--name NODE] [--devices DIR] [--set KEY=VALUE]...\n"
    "       gpu-simulator control DIR COMMAND\n"
    SIM_BANNER "\n";

int64_t sim_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// fault ... | clear | log | fired | waiting | set KEY VALUE | used DEVICE
static void control(char *text, char *answer, size_t size)
{
    char key[64];
    char value[96];
    if (strncmp(text, "fault ", 6) == 0) {
        snprintf(answer, size, fault_add(text + 6) ? "ok" : "not a fault");
    } else if (strcmp(text, "clear") == 0) {
        fault_clear();
        snprintf(answer, size, "ok");
    } else if (strcmp(text, "log") == 0) {
        fault_log(answer, size);
    } else if (strcmp(text, "fired") == 0) {
        snprintf(answer, size, "%u", fault_fired());
    } else if (strcmp(text, "waiting") == 0) {
        snprintf(answer, size, "%u", fault_waiting());
    } else if (sscanf(text, "set %63s %95[^\n]", key, value) == 2) {
        snprintf(answer, size, profile_set(key, value) ? "ok" : "not a key");
    } else if (sscanf(text, "used %63s", key) == 1) {
        snprintf(answer, size, "%llu", (unsigned long long)device_used((uint32_t)atoi(key)));
    } else {
        snprintf(answer, size, "not a command");
    }
}

static void answer_node(struct sim_message *message, void *reply)
{
    for (uint32_t i = 0; i < node.count; i++) {
        node.devices[i].used = device_used(i);
    }
    memcpy(reply, &node, sizeof node);
    message->payload = sizeof node;
}

static void serve_one(struct sim_message *message, char *payload, char *reply, int pid, uint64_t *client)
{
    uint64_t value = 0;
    payload[message->payload] = '\0';
    switch (message->op) {
    case OP_HELLO:
        *client = message->client;
        client_hello(message, pid, payload);
        message->result = SUCCESS;
        answer_node(message, reply);
        break;
    case OP_NODE:
        message->result = SUCCESS;
        answer_node(message, reply);
        break;
    case OP_FAULT:
        message->a = fault_ask(payload, (int)message->a, message->b != 0, &value);
        message->b = value;
        message->payload = 0;
        break;
    case OP_NVML:
        message->payload = device_processes((uint32_t)message->a, (struct sim_process *)(void *)reply, 128) * sizeof(struct sim_process);
        // The inventory's own knobs travel along.
        message->a = ecc_errors;
        message->b = virtualization << 32 | recovery_action;
        message->c = (uint64_t)nvlinks << 48 | (uint64_t)mig_instances << 40 | (uint64_t)mig_profile << 32 | (uint64_t)mig_slices << 24 |
                     (uint64_t)(process_memory != 0) << 16;
        message->client = gpu_memory;
        break;
    case OP_CONTROL:
        control(payload, reply, SIM_TEXT);
        message->payload = (uint32_t)strlen(reply);
        break;
    default:
        client_request(message, payload, reply);
        break;
    }
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    struct ucred peer = { .pid = 0 };
    socklen_t length = sizeof peer;
    (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
    char *payload = malloc(SIM_CHUNK + 1);
    char *reply = malloc(SIM_CHUNK + 1);
    uint64_t client = 0;
    struct sim_message message;
    while (payload != NULL && reply != NULL && sim_receive_all(fd, &message, sizeof message) == 0 && message.payload <= SIM_CHUNK &&
           sim_receive_all(fd, payload, message.payload) == 0) {
        pthread_mutex_lock(&node_lock);
        serve_one(&message, payload, reply, peer.pid, &client);
        pthread_mutex_unlock(&node_lock);
        if (sim_send_all(fd, &message, sizeof message) < 0 || sim_send_all(fd, reply, message.payload) < 0) {
            break;
        }
    }
    pthread_mutex_lock(&node_lock);
    if (client != 0) {
        client_gone(client, peer.pid);
    }
    pthread_mutex_unlock(&node_lock);
    close(fd);
    free(payload);
    free(reply);
    return NULL;
}

static char socket_path[PATH_MAX];
static char device_folder[SIM_PATH];
static char device_paths[SIM_DEVICES_MOST + 2][SIM_PATH + 32];
static size_t device_path_count;

static void remove_files(void)
{
    unlink(socket_path);
    for (size_t i = 0; i < device_path_count; i++) {
        unlink(device_paths[i]);
    }
    rmdir(device_folder);
}

// Device files that open, and that CRIU does not know how to dump: they have FUSE's number. Made elsewhere, they are for containers, which
// have them in a place that is the same on every node.
static void make_device_files(const char *elsewhere)
{
    if (elsewhere != NULL) {
        snprintf(node.folder, sizeof node.folder, "/dev/nvidia-simulator");
        snprintf(device_folder, sizeof device_folder, "%s", elsewhere);
    } else {
        snprintf(node.folder, sizeof node.folder, "/dev/nvidia-simulator.%d", (int)getpid());
        memcpy(device_folder, node.folder, sizeof device_folder);
    }
    // One that was killed has left its own behind, and pids come again.
    if (mkdir(device_folder, 0755) < 0 && errno != EEXIST) {
        fprintf(stderr, "gpu-simulator: no device files: %s\n", strerror(errno));
        node.folder[0] = '\0';
        return;
    }
    for (uint32_t i = 0; i < node.count + 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "nvidia%u", i);
        char *path = device_paths[device_path_count];
        snprintf(path, sizeof device_paths[0], "%s/%s", device_folder, i < node.count ? name : i == node.count ? "nvidiactl" : "nvidia-uvm");
        if (mknod(path, S_IFCHR | 0666, makedev(10, 229)) == 0 || errno == EEXIST) {
            device_path_count++;
        }
    }
}

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static int listen_on(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        return -1;
    }
    strcpy(address.sun_path, path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 64) < 0) {
        return -1;
    }
    return fd;
}

static void link_library(const char *folder, const char *name)
{
    char self[PATH_MAX];
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 64);
    if (length <= 0) {
        return;
    }
    self[length] = '\0';
    strcpy(strrchr(self, '/') + 1, name);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    if (symlink(self, path) < 0) {
        fprintf(stderr, "gpu-simulator: cannot link %s: %s\n", path, strerror(errno));
    }
}

static int run_node(int count, char **arguments)
{
    const char *folder = NULL;
    const char *devices = NULL;
    const char *name = "node";
    for (int i = 0; i + 1 < count; i += 2) {
        char *equals = strchr(arguments[i + 1], '=');
        if (strcmp(arguments[i], "--dir") == 0) {
            folder = arguments[i + 1];
        } else if (strcmp(arguments[i], "--name") == 0) {
            name = arguments[i + 1];
        } else if (strcmp(arguments[i], "--devices") == 0) {
            devices = arguments[i + 1];
        } else if (strcmp(arguments[i], "--profile") == 0 && profile_read(arguments[i + 1])) {
            continue;
        } else if (strcmp(arguments[i], "--set") == 0 && equals != NULL) {
            *equals = '\0';
            if (!profile_set(arguments[i + 1], equals + 1)) {
                fprintf(stderr, "gpu-simulator: not a key: %s\n", arguments[i + 1]);
                return 2;
            }
        } else {
            fprintf(stderr, "gpu-simulator: not understood: %s %s\n", arguments[i], arguments[i + 1]);
            return 2;
        }
    }
    if (folder == NULL || node.cuda == 0) {
        fputs(usage, stderr);
        return 2;
    }
    profile_finish(name);
    char faults[4096];
    snprintf(faults, sizeof faults, "%s", getenv("GPU_SIMULATOR_FAULTS") != NULL ? getenv("GPU_SIMULATOR_FAULTS") : "");
    char *state = NULL;
    for (char *fault = strtok_r(faults, ";", &state); fault != NULL; fault = strtok_r(NULL, ";", &state)) {
        if (!fault_add(fault)) {
            fprintf(stderr, "gpu-simulator: not a fault: %s\n", fault);
            return 2;
        }
    }
    link_library(folder, "libcuda.so.1");
    link_library(folder, "libnvidia-ml.so.1");
    make_device_files(devices);
    atexit(remove_files);
    snprintf(socket_path, sizeof socket_path, "%s/" SIM_SOCKET, folder);
    int listener = listen_on(socket_path);
    if (listener < 0) {
        fprintf(stderr, "gpu-simulator: cannot listen on %s: %s\n", socket_path, strerror(errno));
        return 1;
    }
    struct sigaction action = { .sa_handler = on_signal }; // without SA_RESTART, so that poll() ends
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    fprintf(stderr, SIM_BANNER " (node %s: %u x %s)\n", name, node.count, node.devices[0].name);
    puts("ready");
    fflush(stdout);
    // Whoever started it holds its standard input; it ends with them, whatever happens to them.
    while (!stopped) {
        struct pollfd waited[] = { { .fd = listener, .events = POLLIN }, { .fd = STDIN_FILENO, .events = 0 } };
        if (poll(waited, 2, -1) < 0) {
            continue;
        }
        if (waited[1].revents & (POLLHUP | POLLERR)) {
            break;
        }
        if (waited[0].revents & POLLIN) {
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            pthread_t thread;
            if (fd >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0) {
                pthread_detach(thread);
            }
        }
    }
    return 0;
}

static int run_control(const char *folder, const char *command)
{
    char path[PATH_MAX];
    static char answer[SIM_TEXT + 1];
    snprintf(path, sizeof path, "%s/" SIM_SOCKET, folder);
    int fd = sim_connect(path);
    struct sim_message message = { .op = OP_CONTROL, .payload = (uint32_t)strlen(command) };
    if (fd < 0 || sim_call(fd, &message, command, answer, SIM_TEXT) < 0) {
        fprintf(stderr, "gpu-simulator: no node in %s\n", folder);
        return 1;
    }
    puts(answer);
    return strncmp(answer, "not a", 5) == 0 ? 1 : 0;
}

int main(int count, char **arguments)
{
    if (count >= 4 && strcmp(arguments[1], "node") == 0) {
        return run_node(count - 2, arguments + 2);
    }
    if (count == 4 && strcmp(arguments[1], "control") == 0) {
        return run_control(arguments[2], arguments[3]);
    }
    fputs(usage, stderr);
    return 2;
}
