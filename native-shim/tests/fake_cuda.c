// A libcuda.so.1 and libnvidia-ml.so.1 that do what FAKE_... says and look at what the worker passes. No GPU, no state:
// for tests of the worker alone.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static int initialized;

static int number(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : atoi(text);
}

// Carries out FAKE_<call>: hang, die, print, or a code.
static int act(const char *name)
{
    char variable[64];
    snprintf(variable, sizeof variable, "FAKE_%s", name);
    const char *what = getenv(variable);
    if (what == NULL) {
        return 0;
    }
    if (strcmp(what, "hang") == 0) {
        for (;;) {
            pause();
        }
    }
    if (strcmp(what, "die") == 0) {
        raise(SIGSEGV);
    }
    if (strcmp(what, "print") == 0) {
        puts("1 ok forged");
        fflush(stdout);
        return 0;
    }
    return atoi(what);
}

static int is_zero(const void *data, size_t length)
{
    const unsigned char *bytes = data;
    while (length > 0 && bytes[length - 1] == 0) {
        length--;
    }
    return length == 0;
}

EXPORT int cuInit(unsigned int flags);
EXPORT int cuInit(unsigned int flags)
{
    if (getenv("CUDA_VISIBLE_DEVICES") != NULL || getenv("LD_LIBRARY_PATH") != NULL) {
        return 100; // the worker must not see them
    }
    initialized = 1;
    return flags == 0 ? act("INIT") : 1;
}

EXPORT int cuDriverGetVersion(int *version);
EXPORT int cuDriverGetVersion(int *version)
{
    *version = number("FAKE_VERSION", 13000);
    return 0;
}

EXPORT int cuGetErrorName(int code, const char **name);
EXPORT int cuGetErrorName(int code, const char **name)
{
    *name = code == 0 ? "CUDA_SUCCESS" : code == 600 ? "CUDA_ERROR_NOT_READY" : "CUDA_ERROR_OTHER";
    return 0;
}

EXPORT int cuDeviceGetCount(int *count);
EXPORT int cuDeviceGetCount(int *count)
{
    *count = 2;
    return initialized ? 0 : 3;
}

EXPORT int cuDeviceGet(int *device, int index);
EXPORT int cuDeviceGet(int *device, int index)
{
    *device = index;
    return 0;
}

EXPORT int cuDeviceGetName(char *name, int size, int device);
EXPORT int cuDeviceGetName(char *name, int size, int device)
{
    snprintf(name, (size_t)size, "Fake GPU 100%% %d\n", device);
    return 0;
}

EXPORT int cuDeviceGetUuid_v2(unsigned char *uuid, int device);
EXPORT int cuDeviceGetUuid_v2(unsigned char *uuid, int device)
{
    for (int i = 0; i < 16; i++) {
        uuid[i] = (unsigned char)(i + 16 * device);
    }
    return 0;
}

EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int device);
EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    *bytes = (size_t)80 << (30 + device);
    return 0;
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device);
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    (void)device;
    *value = attribute == 75 ? 9 : 0;
    return 0;
}

EXPORT int cuDeviceGetPCIBusId(char *text, int size, int device);
EXPORT int cuDeviceGetPCIBusId(char *text, int size, int device)
{
    snprintf(text, (size_t)size, "0000:%02x:00.0", device + 1);
    return 0;
}

EXPORT int cuCheckpointProcessGetRestoreThreadId(int pid, int *tid);
EXPORT int cuCheckpointProcessGetRestoreThreadId(int pid, int *tid)
{
    *tid = pid + 1;
    return act("PROBE");
}

EXPORT int cuCheckpointProcessGetState(int pid, int *state);
EXPORT int cuCheckpointProcessGetState(int pid, int *state)
{
    (void)pid;
    *state = number("FAKE_STATE_IS", 0);
    return act("STATE");
}

EXPORT int cuCheckpointProcessLock(int pid, void *arguments);
EXPORT int cuCheckpointProcessLock(int pid, void *arguments)
{
    (void)pid;
    unsigned int timeout;
    memcpy(&timeout, arguments, sizeof timeout);
    if (timeout != 250 || !is_zero((char *)arguments + 4, 60)) {
        return 1;
    }
    return act("LOCK");
}

EXPORT int cuCheckpointProcessCheckpoint(int pid, void *arguments);
EXPORT int cuCheckpointProcessCheckpoint(int pid, void *arguments)
{
    (void)pid;
    return is_zero(arguments, 64) ? act("CHECKPOINT") : 1;
}

EXPORT int cuCheckpointProcessRestore(int pid, void *arguments);
EXPORT int cuCheckpointProcessRestore(int pid, void *arguments)
{
    (void)pid;
    unsigned char *pairs;
    unsigned int count;
    memcpy(&pairs, arguments, sizeof pairs);
    memcpy(&count, (char *)arguments + 8, sizeof count);
    if (!initialized || !is_zero((char *)arguments + 12, 52) || (count == 0) != (pairs == NULL)) {
        return 1;
    }
    if (count > 0 && (pairs[0] != 0x00 || pairs[1] != 0x11 || pairs[16] != 0xff || count != 1)) {
        return 1;
    }
    return act("RESTORE");
}

EXPORT int cuCheckpointProcessUnlock(int pid, void *arguments);
EXPORT int cuCheckpointProcessUnlock(int pid, void *arguments)
{
    (void)pid;
    return is_zero(arguments, 64) ? act("UNLOCK") : 1;
}

EXPORT int nvmlInit_v2(void);
EXPORT int nvmlInit_v2(void)
{
    return act("NVML");
}

EXPORT int nvmlDeviceGetCount_v2(unsigned int *count);
EXPORT int nvmlDeviceGetCount_v2(unsigned int *count)
{
    *count = 2;
    return 0;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device);
EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device)
{
    *device = &initialized;
    return index == 1 ? 15 : 0; // the second one fell off the bus
}

EXPORT int nvmlDeviceGetUUID(void *device, char *text, unsigned int size);
EXPORT int nvmlDeviceGetUUID(void *device, char *text, unsigned int size)
{
    (void)device;
    snprintf(text, size, "GPU-1");
    return 0;
}
