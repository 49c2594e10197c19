// SIMULATOR. The driver as a workload sees it: devices, memory, one kernel. All device memory is in the daemon.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define EXPORT __attribute__((visibility("default")))
typedef int CUresult;
typedef uint64_t CUdeviceptr;

struct process process = { .gate = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static __thread int current_device;
static char last_module; // what handles point at: only one kernel is known

// A call of the application: it waits while the process is locked, and a lock waits for it.
static bool enter(void)
{
    if (!process.initialized) {
        return false;
    }
    pthread_mutex_lock(&process.gate);
    while (process.locked) {
        pthread_cond_wait(&process.moved, &process.gate);
    }
    process.inside++;
    pthread_mutex_unlock(&process.gate);
    return true;
}

static int leave(int result)
{
    pthread_mutex_lock(&process.gate);
    process.inside--;
    pthread_cond_broadcast(&process.moved);
    pthread_mutex_unlock(&process.gate);
    return result;
}

int process_transfer(uint32_t op, uint64_t address, void *data, uint64_t size)
{
    int result = SUCCESS;
    for (uint64_t done = 0; result == SUCCESS && done < size; done += SIM_CHUNK) {
        uint64_t part = size - done < SIM_CHUNK ? size - done : SIM_CHUNK;
        struct sim_message message = { .op = op, .a = address + done, .b = part, .payload = op == OP_WRITE ? (uint32_t)part : 0 };
        result = process_request(&message, (char *)data + done, (char *)data + done, part);
    }
    return result;
}

// Not close-on-exec: a child that only forks or executes holds them too, without using any GPU.
void process_open_devices(void)
{
    static const char *const others[] = { "nvidiactl", "nvidia-uvm" };
    for (uint32_t i = 0; i < process.device_count + 2; i++) {
        char path[SIM_PATH + 32];
        if (i < process.device_count) {
            snprintf(path, sizeof path, "%s/nvidia%u", process.node.folder, process.on_node[i]);
        } else {
            snprintf(path, sizeof path, "%s/%s", process.node.folder, others[i - process.device_count]);
        }
        process.device_files[i] = process.node.folder[0] != '\0' ? open(path, O_RDWR) : -1;
    }
    int memory = memfd_create("nvidia-registers", MFD_CLOEXEC);
    if (memory >= 0 && ftruncate(memory, 4096) == 0) {
        process.registers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    }
    close(memory);
}

void process_close_devices(void)
{
    for (uint32_t i = 0; i < process.device_count + 2; i++) {
        if (process.device_files[i] >= 0) {
            close(process.device_files[i]);
            process.device_files[i] = -1;
        }
    }
    if (process.registers != NULL && process.registers != MAP_FAILED) {
        munmap(process.registers, 4096);
        process.registers = NULL;
    }
}

// CUDA_VISIBLE_DEVICES as a list of indices; absent: all.
static void choose_devices(void)
{
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    for (uint32_t i = 0; i < process.node.count; i++) {
        char digit[16];
        snprintf(digit, sizeof digit, "%u", i);
        if (visible == NULL || strstr(visible, digit) != NULL) {
            process.on_node[process.device_count] = i;
            process.devices[process.device_count++] = process.node.devices[i];
        }
    }
}

EXPORT CUresult cuInit(unsigned int flags)
{
    char path[SIM_PATH];
    if (flags != 0) {
        return INVALID_VALUE;
    }
    if (process.initialized) {
        return SUCCESS;
    }
    sim_own_socket(path, sizeof path);
    const char *group = getenv("GPU_SIMULATOR_GROUP");
    snprintf(process.group, sizeof process.group, "%s", group != NULL ? group : "");
    process.flags = getenv("GPU_SIMULATOR_JOB") != NULL ? FLAG_JOB : 0;
    if (getrandom(&process.client, sizeof process.client, 0) != sizeof process.client || process_start_wire() != SUCCESS ||
        process_connect(path) != SUCCESS) {
        return NO_DEVICE;
    }
    choose_devices();
    if (process.device_count == 0) {
        return NO_DEVICE;
    }
    if (getenv("GPU_SIMULATOR_QUIET") == NULL) {
        fputs("libcuda: " SIM_BANNER "\n", stderr);
    }
    process_open_devices();
    int result = process_start_thread();
    process.initialized = result == SUCCESS;
    return result;
}

EXPORT CUresult cuDriverGetVersion(int *version)
{
    char path[SIM_PATH];
    static struct sim_node node;
    struct sim_message message = { .op = OP_NODE };
    sim_own_socket(path, sizeof path);
    int fd = sim_connect(path);
    int outcome = sim_call(fd, &message, NULL, &node, sizeof node);
    close(fd);
    *version = (int)node.cuda;
    return outcome < 0 ? UNKNOWN : SUCCESS;
}

EXPORT CUresult cuGetErrorName(CUresult code, const char **name)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        { SUCCESS, "CUDA_SUCCESS" }, { INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE" }, { OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY" },
        { NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED" }, { NO_DEVICE, "CUDA_ERROR_NO_DEVICE" },
        { INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE" }, { INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT" },
        { OPERATING_SYSTEM, "CUDA_ERROR_OPERATING_SYSTEM" }, { INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE" },
        { ILLEGAL_STATE, "CUDA_ERROR_ILLEGAL_STATE" }, { NOT_FOUND, "CUDA_ERROR_NOT_FOUND" }, { NOT_READY, "CUDA_ERROR_NOT_READY" },
        { NOT_PERMITTED, "CUDA_ERROR_NOT_PERMITTED" }, { NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED" }, { UNKNOWN, "CUDA_ERROR_UNKNOWN" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code) {
            *name = names[i].name;
            return SUCCESS;
        }
    }
    *name = NULL;
    return INVALID_VALUE;
}

EXPORT CUresult cuDeviceGetCount(int *count)
{
    *count = (int)process.device_count;
    return process.initialized ? SUCCESS : NOT_INITIALIZED;
}

EXPORT CUresult cuDeviceGet(int *device, int index)
{
    *device = index;
    return !process.initialized ? NOT_INITIALIZED : index < 0 || (uint32_t)index >= process.device_count ? INVALID_DEVICE : SUCCESS;
}

static const struct sim_device *device_of(int device)
{
    return process.initialized && device >= 0 && (uint32_t)device < process.device_count ? &process.devices[device] : NULL;
}

EXPORT CUresult cuDeviceGetName(char *name, int size, int device)
{
    const struct sim_device *found = device_of(device);
    snprintf(name, (size_t)size, "%s", found != NULL ? found->name : "");
    return found != NULL ? SUCCESS : INVALID_DEVICE;
}

EXPORT CUresult cuDeviceGetUuid_v2(unsigned char *uuid, int device)
{
    const struct sim_device *found = device_of(device);
    if (found != NULL) {
        memcpy(uuid, found->uuid, sizeof found->uuid);
    }
    return found != NULL ? SUCCESS : INVALID_DEVICE;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    const struct sim_device *found = device_of(device);
    *bytes = found != NULL ? found->memory : 0;
    return found != NULL ? SUCCESS : INVALID_DEVICE;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, int device)
{
    const struct sim_device *found = device_of(device);
    if (found == NULL) {
        return INVALID_DEVICE;
    }
    *value = attribute == 75 ? (int)found->major : attribute == 76 ? (int)found->minor : 0;
    return attribute == 75 || attribute == 76 ? SUCCESS : INVALID_VALUE;
}

// Remembered from cuInit: after a restore elsewhere it is stale, like the real driver's.
EXPORT CUresult cuDeviceGetPCIBusId(char *text, int size, int device)
{
    const struct sim_device *found = device_of(device);
    snprintf(text, (size_t)size, "%s", found != NULL ? found->bus : "");
    return found != NULL ? SUCCESS : INVALID_DEVICE;
}

EXPORT CUresult cuCtxCreate_v2(void **context, unsigned int flags, int device)
{
    (void)flags;
    current_device = device;
    *context = &process.devices[device];
    return device_of(device) != NULL ? SUCCESS : INVALID_DEVICE;
}

EXPORT CUresult cuCtxSetCurrent(void *context)
{
    current_device = (int)((struct sim_device *)context - process.devices);
    return SUCCESS;
}

static CUresult allocate(CUdeviceptr *pointer, size_t size)
{
    if (!enter()) {
        return NOT_INITIALIZED;
    }
    struct sim_message message = { .op = OP_ALLOCATE, .a = size, .b = process.on_node[current_device] };
    int result = process_request(&message, NULL, NULL, 0);
    for (size_t i = 0; result == SUCCESS && i < SIM_BLOCKS_MOST; i++) {
        struct process_block *block = &process.blocks[i];
        if (block->size == 0) {
            *block = (struct process_block){ .address = message.a, .size = message.b, .device = (uint32_t)current_device };
            // The addresses are taken, as those of device memory are.
            (void)mmap((void *)(uintptr_t)message.a, message.b, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
            *pointer = message.a;
            return leave(SUCCESS);
        }
    }
    return leave(result == SUCCESS ? OUT_OF_MEMORY : result);
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t size)
{
    return allocate(pointer, size);
}

EXPORT CUresult cuMemAllocManaged(CUdeviceptr *pointer, size_t size, unsigned int flags)
{
    (void)flags;
    process.managed = true;
    return allocate(pointer, size);
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr pointer)
{
    if (!enter()) {
        return NOT_INITIALIZED;
    }
    struct sim_message message = { .op = OP_FREE, .a = pointer };
    int result = process_request(&message, NULL, NULL, 0);
    for (size_t i = 0; result == SUCCESS && i < SIM_BLOCKS_MOST; i++) {
        if (process.blocks[i].size != 0 && process.blocks[i].address == pointer) {
            munmap((void *)(uintptr_t)pointer, process.blocks[i].size);
            memset(&process.blocks[i], 0, sizeof process.blocks[i]);
        }
    }
    return leave(result);
}

EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t size)
{
    return enter() ? leave(process_transfer(OP_WRITE, to, (void *)(uintptr_t)from, size)) : NOT_INITIALIZED;
}

static int wait_idle(void)
{
    for (;;) {
        struct sim_message message = { .op = OP_BUSY };
        int result = process_request(&message, NULL, NULL, 0);
        if (result != SUCCESS || message.a == 0) {
            return result;
        }
        struct timespec pause = { .tv_sec = (time_t)(message.a / 1000), .tv_nsec = (long)(message.a % 1000) * 1000000 };
        nanosleep(&pause, NULL);
    }
}

EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t size)
{
    if (!enter()) {
        return NOT_INITIALIZED;
    }
    int result = wait_idle();
    return leave(result != SUCCESS ? result : process_transfer(OP_READ, from, to, size));
}

EXPORT CUresult cuCtxSynchronize(void)
{
    return enter() ? leave(wait_idle()) : NOT_INITIALIZED;
}

EXPORT CUresult cuModuleLoadData(void **module, const void *image)
{
    *module = &last_module;
    return image != NULL && process.initialized ? SUCCESS : INVALID_VALUE;
}

EXPORT CUresult cuModuleGetFunction(void **function, void *module, const char *name)
{
    *function = module;
    return strcmp(name, "transform") == 0 ? SUCCESS : NOT_FOUND; // the only kernel that is simulated
}

EXPORT CUresult cuLaunchKernel(void *function, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by,
                               unsigned int bz, unsigned int shared, void *stream, void **parameters, void **extra)
{
    (void)gy, (void)gz, (void)by, (void)bz, (void)shared, (void)stream, (void)extra;
    if (function != &last_module || gx == 0 || bx == 0) {
        return INVALID_HANDLE;
    }
    if (!enter()) {
        return NOT_INITIALIZED;
    }
    struct sim_message message = { .op = OP_LAUNCH };
    memcpy(&message.a, parameters[0], 8);
    memcpy(&message.b, parameters[1], 8);
    memcpy(&message.c, parameters[2], 8);
    return leave(process_request(&message, NULL, NULL, 0));
}

EXPORT CUresult cuIpcGetMemHandle(void *handle, CUdeviceptr pointer)
{
    memcpy(handle, &pointer, sizeof pointer);
    process.exporter = true;
    return SUCCESS;
}

EXPORT CUresult cuMemImportFromShareableHandle(uint64_t *handle, void *os_handle, int type)
{
    (void)os_handle, (void)type;
    *handle = 1;
    process.importer = true;
    return SUCCESS;
}
