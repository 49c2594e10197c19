#include "gpu/driver.h"

#include <dlfcn.h>
#include <string.h>

#include "common/failure.h"

// A function pointer out of a data pointer, which POSIX allows and C does not name.
#define RESOLVE(member, symbol)                                         \
    do {                                                                \
        void *found = dlsym(handle, symbol);                            \
        memcpy(&driver->member, &found, sizeof found);                  \
    } while (0)

int driver_load(struct driver *driver, const char *library)
{
    memset(driver, 0, sizeof *driver);
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *why = dlerror();
        return fail("cannot load the CUDA driver: %s", why != NULL ? why : library);
    }
    RESOLVE(init, "cuInit");
    RESOLVE(driver_get_version, "cuDriverGetVersion");
    RESOLVE(get_error_name, "cuGetErrorName");
    RESOLVE(device_get_count, "cuDeviceGetCount");
    RESOLVE(device_get, "cuDeviceGet");
    RESOLVE(device_get_name, "cuDeviceGetName");
    // Without _v2 an instance of a partitioned GPU would be called by its parent's id.
    RESOLVE(device_get_uuid, "cuDeviceGetUuid_v2");
    RESOLVE(device_total_mem, "cuDeviceTotalMem_v2");
    RESOLVE(device_get_attribute, "cuDeviceGetAttribute");
    RESOLVE(device_get_pci_bus_id, "cuDeviceGetPCIBusId");
    RESOLVE(restore_thread_id, "cuCheckpointProcessGetRestoreThreadId");
    RESOLVE(get_state, "cuCheckpointProcessGetState");
    RESOLVE(lock, "cuCheckpointProcessLock");
    RESOLVE(checkpoint, "cuCheckpointProcessCheckpoint");
    RESOLVE(restore, "cuCheckpointProcessRestore");
    RESOLVE(unlock, "cuCheckpointProcessUnlock");
    if (driver->init == NULL || driver->driver_get_version == NULL) {
        return fail("%s is not a CUDA driver: it lacks cuInit or cuDriverGetVersion", library);
    }
    cuda_result code = driver->driver_get_version(&driver->version);
    if (code != CUDA_SUCCESS) {
        return fail("cuDriverGetVersion says %d (%s)", code, driver_error_name(driver, code));
    }
    return 0;
}

const char *driver_error_name(const struct driver *driver, cuda_result code)
{
    const char *name = NULL;
    if (driver->get_error_name != NULL && driver->get_error_name(code, &name) == CUDA_SUCCESS && name != NULL) {
        return name;
    }
    return "unknown";
}
