#include "gpu/nvml.h"

#include <dlfcn.h>
#include <string.h>

#include "common/failure.h"
#include "gpu/nvml_abi.h"

enum {
    GPUS_MOST = 256,
    PROCESSES_MOST = 512, // of one GPU; more are counted as these
    MIG_DEVICES_MOST = 16,
};

typedef void (*generic_call)(void); // the one function type that converts to every other

static void *handle;

static generic_call find(const char *symbol)
{
    void *found = dlsym(handle, symbol);
    generic_call call;
    memcpy(&call, &found, sizeof call);
    return call;
}

// Calls a function by its exact symbol when it is there: its code, or NVML_NOT_SUPPORTED. The types are those of
// the list, as NVML's header has them.
#define CALL(symbol, types, ...) \
    (find(symbol) == NULL ? NVML_NOT_SUPPORTED : ((int (*) types)find(symbol)) (__VA_ARGS__))

static void read_text(struct json *json, const char *name, const char *symbol, nvml_device device)
{
    char text[NVML_UUID_SIZE] = "";
    if (CALL(symbol, (nvml_device, char *, unsigned int), device, text, sizeof text - 1) == NVML_SUCCESS) {
        json_string(json, name, text);
    }
}

static void read_number(struct json *json, const char *name, const char *symbol, nvml_device device)
{
    unsigned int value = 0;
    if (CALL(symbol, (nvml_device, unsigned int *), device, &value) == NVML_SUCCESS) {
        json_number(json, name, value);
    }
}

static void read_memory(struct json *json, nvml_device device)
{
    struct nvml_memory_v2 second = { .version = NVML_MEMORY_V2 };
    struct nvml_memory first = { 0 };
    if (CALL("nvmlDeviceGetMemoryInfo_v2", (nvml_device, struct nvml_memory_v2 *), device, &second) == NVML_SUCCESS) {
        json_number(json, "memoryTotal", second.total);
        json_number(json, "memoryReserved", second.reserved);
        json_number(json, "memoryUsed", second.used);
        json_number(json, "memoryFree", second.free);
    } else if (CALL("nvmlDeviceGetMemoryInfo", (nvml_device, struct nvml_memory *), device, &first) == NVML_SUCCESS) {
        json_number(json, "memoryTotal", first.total);
        json_number(json, "memoryUsed", first.used);
        json_number(json, "memoryFree", first.free);
    }
}

static void read_processes(struct json *json, nvml_device device)
{
    static struct nvml_process processes[PROCESSES_MOST];
    unsigned int count = PROCESSES_MOST;
    int code = CALL("nvmlDeviceGetComputeRunningProcesses_v3", (nvml_device, unsigned int *, struct nvml_process *), device, &count,
                    processes);
    if (code != NVML_SUCCESS && code != NVML_INSUFFICIENT_SIZE) {
        return;
    }
    json_begin(json, '[', "processes");
    for (unsigned int i = 0; code == NVML_SUCCESS && i < count && i < PROCESSES_MOST; i++) {
        json_begin(json, '{', NULL);
        json_number(json, "pid", processes[i].pid);
        if (processes[i].used != UINT64_MAX) { // "not available"
            json_number(json, "memoryUsed", processes[i].used);
        }
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void read_ecc(struct json *json, nvml_device device)
{
    unsigned int current = 0;
    unsigned int pending = 0;
    if (CALL("nvmlDeviceGetEccMode", (nvml_device, unsigned int *, unsigned int *), device, &current, &pending) == NVML_SUCCESS) {
        json_bool(json, "ecc", current != 0);
    }
    unsigned long long errors = 0;
    if (CALL("nvmlDeviceGetTotalEccErrors", (nvml_device, int, int, unsigned long long *), device, NVML_ECC_UNCORRECTED,
             NVML_ECC_VOLATILE, &errors) == NVML_SUCCESS) {
        json_number(json, "eccUncorrected", errors);
    }
    unsigned int correctable = 0;
    unsigned int uncorrectable = 0;
    unsigned int waiting = 0;
    unsigned int failed = 0;
    if (CALL("nvmlDeviceGetRemappedRows", (nvml_device, unsigned int *, unsigned int *, unsigned int *, unsigned int *), device,
             &correctable, &uncorrectable, &waiting, &failed) == NVML_SUCCESS) {
        json_number(json, "remappedCorrectable", correctable);
        json_number(json, "remappedUncorrectable", uncorrectable);
        json_bool(json, "remapPending", waiting != 0);
        json_bool(json, "remapFailed", failed != 0);
    }
    struct nvml_field field = { .field = NVML_FIELD_RECOVERY_ACTION };
    if (CALL("nvmlDeviceGetFieldValues", (nvml_device, int, struct nvml_field *), device, 1, &field) == NVML_SUCCESS &&
        field.result == NVML_SUCCESS) {
        json_number(json, "recoveryAction", field.value.u32);
    }
}

static void read_nvlinks(struct json *json, nvml_device device)
{
    json_begin(json, '[', "nvlinks");
    for (unsigned int link = 0; link < NVML_NVLINKS_MOST; link++) {
        unsigned int active = 0;
        if (CALL("nvmlDeviceGetNvLinkState", (nvml_device, unsigned int, unsigned int *), device, link, &active) != NVML_SUCCESS) {
            break;
        }
        json_bool(json, NULL, active != 0);
    }
    json_end(json, ']');
}

static void read_instance(struct json *json, nvml_device instance)
{
    json_begin(json, '{', NULL);
    read_text(json, "uuid", "nvmlDeviceGetUUID", instance);
    read_text(json, "name", "nvmlDeviceGetName", instance);
    read_number(json, "gpuInstance", "nvmlDeviceGetGpuInstanceId", instance);
    read_number(json, "computeInstance", "nvmlDeviceGetComputeInstanceId", instance);
    struct nvml_attributes attributes;
    memset(&attributes, 0, sizeof attributes);
    if (CALL("nvmlDeviceGetAttributes_v2", (nvml_device, struct nvml_attributes *), instance, &attributes) == NVML_SUCCESS) {
        json_number(json, "gpuSlices", attributes.gpu_slices);
        json_number(json, "computeSlices", attributes.compute_slices);
        json_number(json, "multiprocessors", attributes.multiprocessors);
        json_number(json, "memoryMb", attributes.memory_mb);
    }
    read_processes(json, instance); // those of a slice are listed on its own handle
    json_end(json, '}');
}

static void read_mig(struct json *json, nvml_device device)
{
    unsigned int current = 0;
    unsigned int pending = 0;
    if (CALL("nvmlDeviceGetMigMode", (nvml_device, unsigned int *, unsigned int *), device, &current, &pending) != NVML_SUCCESS) {
        return;
    }
    json_bool(json, "mig", current != 0);
    json_bool(json, "migPending", pending != 0);
    json_begin(json, '[', "migProfiles");
    for (unsigned int number = 0; number < NVML_GPU_INSTANCE_PROFILES; number++) {
        struct nvml_profile profile;
        memset(&profile, 0, sizeof profile);
        if (CALL("nvmlDeviceGetGpuInstanceProfileInfo", (nvml_device, unsigned int, struct nvml_profile *), device, number,
                 &profile) == NVML_SUCCESS) {
            json_begin(json, '{', NULL);
            json_number(json, "profile", number);
            json_number(json, "id", profile.id);
            json_number(json, "slices", profile.slices);
            json_number(json, "instances", profile.instances);
            json_number(json, "memoryMb", profile.memory_mb);
            json_end(json, '}');
        }
    }
    json_end(json, ']');
    json_begin(json, '[', "migDevices");
    unsigned int most = 0;
    (void)CALL("nvmlDeviceGetMaxMigDeviceCount", (nvml_device, unsigned int *), device, &most);
    for (unsigned int i = 0; i < most && i < MIG_DEVICES_MOST; i++) {
        nvml_device instance = NULL;
        if (CALL("nvmlDeviceGetMigDeviceHandleByIndex", (nvml_device, unsigned int, nvml_device *), device, i, &instance) ==
            NVML_SUCCESS) {
            read_instance(json, instance);
        }
    }
    json_end(json, ']');
}

static void read_gpu(struct json *json, unsigned int index, nvml_device device)
{
    json_begin(json, '{', NULL);
    json_number(json, "index", index);
    read_text(json, "uuid", "nvmlDeviceGetUUID", device);
    read_text(json, "name", "nvmlDeviceGetName", device);
    struct nvml_pci pci;
    memset(&pci, 0, sizeof pci);
    if (CALL("nvmlDeviceGetPciInfo_v3", (nvml_device, struct nvml_pci *), device, &pci) == NVML_SUCCESS) {
        pci.bus_id[sizeof pci.bus_id - 1] = '\0';
        json_string(json, "bus", pci.bus_id);
    }
    read_number(json, "minor", "nvmlDeviceGetMinorNumber", device);
    int major = 0;
    int minor = 0;
    if (CALL("nvmlDeviceGetCudaComputeCapability", (nvml_device, int *, int *), device, &major, &minor) == NVML_SUCCESS) {
        json_number(json, "capabilityMajor", (unsigned int)major);
        json_number(json, "capabilityMinor", (unsigned int)minor);
    }
    read_memory(json, device);
    read_processes(json, device);
    unsigned int persistence = 0;
    if (CALL("nvmlDeviceGetPersistenceMode", (nvml_device, unsigned int *), device, &persistence) == NVML_SUCCESS) {
        json_bool(json, "persistence", persistence != 0);
    }
    read_number(json, "virtualization", "nvmlDeviceGetVirtualizationMode", device);
    read_ecc(json, device);
    read_mig(json, device);
    read_nvlinks(json, device);
    json_end(json, '}');
}

int nvml_inventory(const char *library, struct json *json)
{
    handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *why = dlerror();
        return fail("cannot load NVML: %s", why != NULL ? why : library);
    }
    int code = CALL("nvmlInit_v2", (void), );
    if (code != NVML_SUCCESS) {
        return fail("nvmlInit_v2 says %d", code);
    }
    unsigned int count = 0;
    code = CALL("nvmlDeviceGetCount_v2", (unsigned int *), &count);
    if (code != NVML_SUCCESS) {
        return fail("nvmlDeviceGetCount_v2 says %d", code);
    }
    json_begin(json, '{', NULL);
    char text[NVML_VERSION_SIZE] = "";
    if (CALL("nvmlSystemGetDriverVersion", (char *, unsigned int), text, sizeof text - 1) == NVML_SUCCESS) {
        json_string(json, "driver", text);
    }
    int cuda = 0;
    if (CALL("nvmlSystemGetCudaDriverVersion_v2", (int *), &cuda) == NVML_SUCCESS && cuda > 0) {
        json_number(json, "cuda", (unsigned int)cuda);
    }
    json_begin(json, '[', "gpus");
    for (unsigned int i = 0; i < count && i < GPUS_MOST; i++) {
        nvml_device device = NULL;
        code = CALL("nvmlDeviceGetHandleByIndex_v2", (unsigned int, nvml_device *), i, &device);
        if (code == NVML_SUCCESS) {
            read_gpu(json, i, device);
        } else { // 15: fell off the bus; 16: needs a reset
            json_begin(json, '{', NULL);
            json_number(json, "index", i);
            json_number(json, "lost", (unsigned int)code);
            json_end(json, '}');
        }
    }
    json_end(json, ']');
    json_end(json, '}');
    return 0;
}
