#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

// The part of NVML (libnvidia-ml.so.1) that the inventory reads, by exact symbol; sizes as in NVIDIA's header 13.3.

typedef void *nvml_device;

enum {
    NVML_SUCCESS = 0,
    NVML_NOT_SUPPORTED = 3,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_UUID_SIZE = 96,
    NVML_NAME_SIZE = 96,
    NVML_VERSION_SIZE = 80,
    NVML_ECC_UNCORRECTED = 1,
    NVML_ECC_VOLATILE = 0,
    NVML_FIELD_RECOVERY_ACTION = 230,
    NVML_NVLINKS_MOST = 18,
    NVML_GPU_INSTANCE_PROFILES = 0x12,
};

#define NVML_MEMORY_V2 0x02000028u

struct nvml_memory_v2 {
    uint32_t version;
    uint64_t total;
    uint64_t reserved;
    uint64_t free;
    uint64_t used;
};

struct nvml_memory {
    uint64_t total;
    uint64_t free;
    uint64_t used;
};

struct nvml_pci {
    char legacy[16];
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
    uint32_t device_id;
    uint32_t subsystem_id;
    char bus_id[32];
};

struct nvml_process {
    uint32_t pid;
    uint64_t used;
    uint32_t gpu_instance;
    uint32_t compute_instance;
};

struct nvml_field {
    uint32_t field;
    uint32_t scope;
    int64_t timestamp;
    int64_t latency;
    int32_t value_type;
    int32_t result;
    union {
        double d;
        uint32_t u32;
        uint64_t u64;
    } value;
};

struct nvml_profile {
    uint32_t id;
    uint32_t peer_to_peer;
    uint32_t slices;
    uint32_t instances;
    uint32_t multiprocessors;
    uint32_t copy_engines;
    uint32_t decoders;
    uint32_t encoders;
    uint32_t jpegs;
    uint32_t flow_units;
    uint64_t memory_mb;
};

struct nvml_attributes {
    uint32_t multiprocessors;
    uint32_t copy_engines;
    uint32_t decoders;
    uint32_t encoders;
    uint32_t jpegs;
    uint32_t flow_units;
    uint32_t gpu_slices;
    uint32_t compute_slices;
    uint64_t memory_mb;
};

static_assert(sizeof(struct nvml_memory_v2) == 40, "nvmlMemory_v2_t");
static_assert(sizeof(struct nvml_memory) == 24, "nvmlMemory_t");
static_assert(sizeof(struct nvml_pci) == 68, "nvmlPciInfo_t");
static_assert(sizeof(struct nvml_process) == 24, "nvmlProcessInfo_t");
static_assert(offsetof(struct nvml_process, used) == 8, "nvmlProcessInfo_t.usedGpuMemory");
static_assert(sizeof(struct nvml_field) == 40, "nvmlFieldValue_t");
static_assert(offsetof(struct nvml_field, value) == 32, "nvmlFieldValue_t.value");
static_assert(sizeof(struct nvml_profile) == 48, "nvmlGpuInstanceProfileInfo_t");
static_assert(sizeof(struct nvml_attributes) == 40, "nvmlDeviceAttributes_t");
