#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

// The part of the CUDA driver's documented interface that the worker calls. Written down here because
// the worker is built where no CUDA is; every size and offset is asserted. One zeroed block of 64 bytes
// is a valid argument block for each checkpoint call of CUDA 12.8 to 13.4.

typedef int cuda_result; // CUresult
typedef int cuda_device; // CUdevice

enum {
    CUDA_SUCCESS = 0,
    CUDA_INVALID_VALUE = 1,
    CUDA_NOT_INITIALIZED = 3,
    CUDA_ILLEGAL_STATE = 401,
    CUDA_NOT_READY = 600,
    CUDA_NOT_SUPPORTED = 801,
};

// cuDriverGetVersion: 1000 * major + 10 * minor. The symbols exist before their features work.
enum {
    CUDA_CHECKPOINT_FROM = 12080,  // r570: the public checkpoint functions
    CUDA_DEVICE_MAP_FROM = 13000,  // r580: restore on other GPUs
};

enum {
    CUDA_ATTRIBUTE_CAPABILITY_MAJOR = 75,
    CUDA_ATTRIBUTE_CAPABILITY_MINOR = 76,
};

struct cuda_uuid {
    unsigned char bytes[16]; // in the order of the text "GPU-8-4-4-4-12"
};

struct cuda_lock_args {
    uint32_t timeout_ms; // 0: for ever
    uint32_t reserved0;
    uint64_t reserved1[7];
};

struct cuda_checkpoint_args {
    uint64_t reserved[8];
};

struct cuda_gpu_pair {
    struct cuda_uuid from;
    struct cuda_uuid to;
};

struct cuda_restore_args {
    struct cuda_gpu_pair *pairs;
    uint32_t pair_count;
    unsigned char reserved[52];
};

struct cuda_unlock_args {
    uint64_t reserved[8];
};

static_assert(sizeof(struct cuda_uuid) == 16, "CUuuid");
static_assert(sizeof(struct cuda_lock_args) == 64, "CUcheckpointLockArgs");
static_assert(offsetof(struct cuda_lock_args, reserved1) == 8, "CUcheckpointLockArgs.reserved1");
static_assert(sizeof(struct cuda_checkpoint_args) == 64, "CUcheckpointCheckpointArgs");
static_assert(sizeof(struct cuda_gpu_pair) == 32, "CUcheckpointGpuPair");
static_assert(offsetof(struct cuda_gpu_pair, to) == 16, "CUcheckpointGpuPair.newUuid");
static_assert(sizeof(struct cuda_restore_args) == 64, "CUcheckpointRestoreArgs");
static_assert(offsetof(struct cuda_restore_args, pair_count) == 8, "CUcheckpointRestoreArgs.gpuPairsCount");
static_assert(offsetof(struct cuda_restore_args, reserved) == 12, "CUcheckpointRestoreArgs.reserved");
static_assert(sizeof(struct cuda_unlock_args) == 64, "CUcheckpointUnlockArgs");
static_assert(sizeof(void *) == 8, "a 64-bit ABI");
