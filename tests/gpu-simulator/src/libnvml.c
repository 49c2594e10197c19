// SIMULATOR. libnvidia-ml.so.1: what the node's daemon knows about its devices.

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol.h"

#define EXPORT __attribute__((visibility("default")))

enum { NVML_UNINITIALIZED = 1, NVML_INVALID_ARGUMENT = 2, NVML_NOT_SUPPORTED = 3, NVML_NOT_FOUND = 6, NVML_INSUFFICIENT_SIZE = 7, NVML_DRIVER_NOT_LOADED = 9 };

struct handle {
    uint32_t device;
    uint32_t instance; // 0: the GPU, else the number of a MIG device counted from 1
};

static struct handle handles[SIM_DEVICES_MOST][SIM_DEVICES_MOST + 1];
static struct sim_node node;
static struct sim_process processes[128];
static struct { uint64_t ecc, recovery, memory; uint32_t virtualization, nvlinks, mig, mig_profile, mig_slices, processes, process_memory; } extra;
static int connection = -1;

static int refresh(void)
{
    struct sim_message message = { .op = OP_NODE };
    return connection >= 0 && sim_call(connection, &message, NULL, &node, sizeof node) == 0 ? 0 : NVML_UNINITIALIZED;
}

static int ask(const struct handle *handle)
{
    struct sim_message message = { .op = OP_NVML, .a = handle->device };
    if (refresh() != 0 || sim_call(connection, &message, NULL, processes, sizeof processes) < 0) {
        return NVML_UNINITIALIZED;
    }
    extra.ecc = message.a;
    extra.recovery = (uint32_t)message.b;
    extra.virtualization = (uint32_t)(message.b >> 32);
    extra.memory = message.client;
    extra.nvlinks = (uint32_t)(message.c >> 48);
    extra.mig = (uint32_t)(message.c >> 40) & 0xff;
    extra.mig_profile = (uint32_t)(message.c >> 32) & 0xff;
    extra.mig_slices = (uint32_t)(message.c >> 24) & 0xff;
    extra.process_memory = (uint32_t)(message.c >> 16) & 0xff;
    extra.processes = message.payload / (uint32_t)sizeof(struct sim_process);
    return 0;
}

EXPORT int nvmlInit_v2(void)
{
    char path[SIM_PATH];
    sim_own_socket(path, sizeof path);
    connection = sim_connect(path);
    for (uint32_t d = 0; d < SIM_DEVICES_MOST; d++) {
        for (uint32_t i = 0; i <= SIM_DEVICES_MOST; i++) {
            handles[d][i] = (struct handle){ d, i };
        }
    }
    return refresh() == 0 ? 0 : NVML_DRIVER_NOT_LOADED;
}

EXPORT int nvmlShutdown(void)
{
    close(connection);
    connection = -1;
    return 0;
}

EXPORT int nvmlSystemGetDriverVersion(char *text, unsigned int size)
{
    snprintf(text, size, "%s", node.driver);
    return 0;
}

EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    *version = (int)node.cuda;
    return 0;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned int *count)
{
    *count = node.count;
    return 0;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, struct handle **device)
{
    *device = index < node.count ? &handles[index][0] : NULL;
    return index < node.count ? 0 : NVML_INVALID_ARGUMENT;
}

EXPORT int nvmlDeviceGetUUID(struct handle *handle, char *text, unsigned int size)
{
    unsigned char uuid[16];
    memcpy(uuid, node.devices[handle->device].uuid, sizeof uuid);
    // A process on a MIG GPU sees the first instance, whose id the device carries; the GPU itself has another one.
    uuid[15] ^= (unsigned char)(node.devices[handle->device].mig == 0 ? 0 : handle->instance == 0 ? 0x80 : handle->instance - 1);
    int length = snprintf(text, size, "%s-", handle->instance == 0 ? "GPU" : "MIG");
    for (int i = 0; i < 16 && length > 0 && (unsigned int)length < size; i++) {
        length += snprintf(text + length, size - (unsigned int)length, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    }
    return 0;
}

EXPORT int nvmlDeviceGetName(struct handle *handle, char *text, unsigned int size)
{
    snprintf(text, size, "%s%s (simulated)", node.devices[handle->device].chip, handle->instance == 0 ? "" : " MIG");
    return 0;
}

EXPORT int nvmlDeviceGetPciInfo_v3(struct handle *handle, char *info)
{
    memset(info, 0, 68);
    snprintf(info + 36, 32, "0000%s", node.devices[handle->device].bus);
    return handle->instance == 0 ? 0 : NVML_NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetCudaComputeCapability(struct handle *handle, int *major, int *minor)
{
    *major = (int)node.devices[handle->device].major;
    *minor = (int)node.devices[handle->device].minor;
    return 0;
}

EXPORT int nvmlDeviceGetMemoryInfo_v2(struct handle *handle, void *info)
{
    unsigned int version;
    memcpy(&version, info, sizeof version);
    if (version != 0x02000028u || ask(handle) != 0) {
        return 25; // ARGUMENT_VERSION_MISMATCH
    }
    const struct sim_device *device = &node.devices[handle->device];
    uint64_t total = handle->instance == 0 ? extra.memory : device->memory;
    uint64_t values[] = { total, 0, total - device->used, device->used };
    memcpy((char *)info + 8, values, sizeof values);
    return 0;
}

EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(struct handle *handle, unsigned int *count, void *infos)
{
    if (ask(handle) != 0) {
        return NVML_UNINITIALIZED;
    }
    // Those of a MIG instance are listed on its own handle.
    uint32_t found = (extra.mig > 0) == (handle->instance == 1) ? extra.processes : 0;
    if (*count < found) {
        *count = found;
        return NVML_INSUFFICIENT_SIZE;
    }
    *count = found;
    for (uint32_t i = 0; i < found; i++) {
        char *info = (char *)infos + 24 * i;
        memset(info, 0xff, 24);
        memcpy(info, &processes[i].pid, 4);
        if (extra.process_memory != 0) {
            memcpy(info + 8, &processes[i].used, 8);
        } // else "not available", all ones
    }
    return 0;
}

EXPORT int nvmlDeviceGetMinorNumber(struct handle *handle, unsigned int *minor)
{
    *minor = node.devices[handle->device].index;
    return handle->instance == 0 ? 0 : NVML_NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetPersistenceMode(struct handle *handle, unsigned int *mode)
{
    *mode = node.persistence;
    return handle->instance == 0 ? 0 : NVML_NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetVirtualizationMode(struct handle *handle, unsigned int *mode)
{
    if (ask(handle) != 0) {
        return NVML_UNINITIALIZED;
    }
    *mode = extra.virtualization;
    return handle->instance == 0 ? 0 : NVML_NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetEccMode(struct handle *handle, unsigned int *current, unsigned int *pending)
{
    *current = *pending = 1;
    return handle->instance == 0 ? 0 : NVML_NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetTotalEccErrors(struct handle *handle, int type, int counter, unsigned long long *count)
{
    (void)type, (void)counter;
    int code = ask(handle);
    *count = extra.ecc;
    return code;
}

EXPORT int nvmlDeviceGetRemappedRows(struct handle *handle, unsigned int *correctable, unsigned int *uncorrectable, unsigned int *pending, unsigned int *failed)
{
    *correctable = *uncorrectable = *pending = *failed = 0;
    return handle->instance == 0 ? 0 : NVML_NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetFieldValues(struct handle *handle, int count, void *values)
{
    unsigned int field;
    memcpy(&field, values, sizeof field);
    if (count != 1 || field != 230 || ask(handle) != 0) {
        return NVML_NOT_SUPPORTED;
    }
    memset((char *)values + 28, 0, 4);
    memcpy((char *)values + 32, &extra.recovery, 8);
    return 0;
}

EXPORT int nvmlDeviceGetNvLinkState(struct handle *handle, unsigned int link, unsigned int *active)
{
    *active = 1;
    return ask(handle) == 0 && handle->instance == 0 && link < extra.nvlinks ? 0 : NVML_INVALID_ARGUMENT;
}

EXPORT int nvmlDeviceGetMigMode(struct handle *handle, unsigned int *current, unsigned int *pending)
{
    *current = *pending = node.devices[handle->device].mig;
    return handle->instance == 0 && node.devices[handle->device].major >= 8 ? 0 : NVML_NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetMaxMigDeviceCount(struct handle *handle, unsigned int *count)
{
    *count = handle->instance == 0 ? 7 : 0;
    return 0;
}

EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(struct handle *handle, unsigned int index, struct handle **instance)
{
    if (ask(handle) != 0 || index >= extra.mig) {
        return NVML_NOT_FOUND;
    }
    *instance = &handles[handle->device][index + 1];
    return 0;
}

EXPORT int nvmlDeviceGetGpuInstanceId(struct handle *handle, unsigned int *id)
{
    *id = handle->instance;
    return handle->instance > 0 ? 0 : NVML_INVALID_ARGUMENT;
}

EXPORT int nvmlDeviceGetComputeInstanceId(struct handle *handle, unsigned int *id)
{
    *id = 0;
    return handle->instance > 0 ? 0 : NVML_INVALID_ARGUMENT;
}

EXPORT int nvmlDeviceGetAttributes_v2(struct handle *handle, void *attributes)
{
    if (ask(handle) != 0 || handle->instance == 0) {
        return NVML_NOT_SUPPORTED;
    }
    uint32_t values[8] = { 42, 3, 2, 0, 0, 0, extra.mig_slices, extra.mig_slices };
    uint64_t memory = node.devices[handle->device].memory >> 20;
    memcpy(attributes, values, sizeof values);
    memcpy((char *)attributes + 32, &memory, sizeof memory);
    return 0;
}

EXPORT int nvmlDeviceGetGpuInstanceProfileInfo(struct handle *handle, unsigned int profile, void *info)
{
    if (ask(handle) != 0 || extra.mig == 0 || profile != extra.mig_profile) {
        return NVML_NOT_SUPPORTED;
    }
    uint32_t values[10] = { 9, 0, extra.mig_slices, 2, 42, 3, 2, 0, 0, 0 };
    uint64_t memory = node.devices[handle->device].memory >> 20;
    memcpy(info, values, sizeof values);
    memcpy((char *)info + 40, &memory, sizeof memory);
    return 0;
}
