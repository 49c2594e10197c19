#pragma once

#include "gpu/cuda_abi.h"

// The CUDA driver's functions, resolved at run time. Those that an old driver lacks are NULL.
struct driver {
    int version;     // cuDriverGetVersion
    int initialized; // whether cuInit was called with success

    cuda_result (*init)(unsigned int);
    cuda_result (*driver_get_version)(int *);
    cuda_result (*get_error_name)(cuda_result, const char **);
    cuda_result (*device_get_count)(int *);
    cuda_result (*device_get)(cuda_device *, int);
    cuda_result (*device_get_name)(char *, int, cuda_device);
    cuda_result (*device_get_uuid)(struct cuda_uuid *, cuda_device);
    cuda_result (*device_total_mem)(size_t *, cuda_device);
    cuda_result (*device_get_attribute)(int *, int, cuda_device);
    cuda_result (*device_get_pci_bus_id)(char *, int, cuda_device);

    cuda_result (*restore_thread_id)(int, int *);
    cuda_result (*get_state)(int, int *);
    cuda_result (*lock)(int, struct cuda_lock_args *);
    cuda_result (*checkpoint)(int, struct cuda_checkpoint_args *);
    cuda_result (*restore)(int, struct cuda_restore_args *);
    cuda_result (*unlock)(int, struct cuda_unlock_args *);
};

// Loads the library and asks its version. -1 with failure() when it cannot be used at all.
int driver_load(struct driver *driver, const char *library);

// The name of a code ("CUDA_ERROR_NOT_READY"), or "unknown". Valid until the library is unloaded.
const char *driver_error_name(const struct driver *driver, cuda_result code);
