#include "gpu/execute.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/failure.h"
#include "gpu/driver.h"
#include "gpu/target.h"
#include "gpu/uuid.h"

enum {
    ANSWER_MOST = 1024,
    DEVICES_MOST = 256,  // more than any machine has; a count beyond it is not believed
    NAME_MOST = 128,
};

struct executor {
    int channel;
    const char *library;
    int loaded;
    struct driver driver;
};

static void answer(const struct executor *executor, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void answer(const struct executor *executor, const char *format, ...)
{
    char text[ANSWER_MOST];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t sent = length < 0 ? 0 : (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    if (send(executor->channel, text, sent, MSG_NOSIGNAL) < 0) {
        _exit(1); // nobody listens any more
    }
}

static double elapsed_ms(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - since->tv_sec) * 1e3 + (double)(now.tv_nsec - since->tv_nsec) / 1e6;
}

// Answers with a call's code and name, and `extra` when it succeeded.
static void tell(const struct executor *executor, const char *call, cuda_result code, double ms, const char *extra)
{
    const char *name = driver_error_name(&executor->driver, code);
    if (code == CUDA_SUCCESS) {
        answer(executor, "ok call=%s code=0 name=%.64s ms=%.3f%s", call, name, ms, extra);
    } else {
        answer(executor, "error driver call=%s code=%d name=%.64s ms=%.3f", call, code, name, ms);
    }
}

// cuInit, once. 0, or -1 after an answer was given.
static int initialize(struct executor *executor)
{
    if (executor->driver.initialized) {
        return 0;
    }
    struct timespec since;
    clock_gettime(CLOCK_MONOTONIC, &since);
    cuda_result code = executor->driver.init(0);
    if (code != CUDA_SUCCESS) {
        tell(executor, "cuInit", code, elapsed_ms(&since), "");
        return -1;
    }
    executor->driver.initialized = 1;
    return 0;
}

// A name as one word: everything but printable ASCII without space and % is written %XX.
static void encode(const char *text, char *word, size_t size)
{
    size_t length = 0;
    for (; *text != '\0' && length + 4 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c > 0x20 && c < 0x7f && c != '%') {
            word[length++] = (char)c;
        } else {
            length += (size_t)sprintf(word + length, "%%%02X", c);
        }
    }
    word[length] = '\0';
}

static int device_item(struct executor *executor, int index, const char **call, cuda_result *code)
{
    const struct driver *driver = &executor->driver;
    cuda_device device = 0;
    struct cuda_uuid uuid = { { 0 } };
    char name[NAME_MOST] = "";
    char bus[NAME_MOST] = "";
    size_t memory = 0;
    int major = 0;
    int minor = 0;
#define TRY(symbol, expression)             \
    do {                                    \
        *call = symbol;                     \
        *code = (expression);               \
        if (*code != CUDA_SUCCESS) {        \
            return -1;                      \
        }                                   \
    } while (0)
    TRY("cuDeviceGet", driver->device_get(&device, index));
    TRY("cuDeviceGetUuid_v2", driver->device_get_uuid(&uuid, device));
    TRY("cuDeviceGetName", driver->device_get_name(name, (int)sizeof name - 1, device));
    TRY("cuDeviceTotalMem_v2", driver->device_total_mem(&memory, device));
    TRY("cuDeviceGetAttribute", driver->device_get_attribute(&major, CUDA_ATTRIBUTE_CAPABILITY_MAJOR, device));
    TRY("cuDeviceGetAttribute", driver->device_get_attribute(&minor, CUDA_ATTRIBUTE_CAPABILITY_MINOR, device));
    TRY("cuDeviceGetPCIBusId", driver->device_get_pci_bus_id(bus, (int)sizeof bus - 1, device));
#undef TRY
    char text[UUID_TEXT];
    char name_word[3 * NAME_MOST + 4];
    char bus_word[3 * NAME_MOST + 4];
    uuid_print(&uuid, text);
    encode(name, name_word, sizeof name_word);
    encode(bus, bus_word, sizeof bus_word);
    answer(executor, "item index=%d uuid=%s memory=%zu capability=%d.%d bus=%s name=%s", index, text, memory, major, minor,
           bus_word, name_word);
    return 0;
}

static void devices(struct executor *executor)
{
    const struct driver *driver = &executor->driver;
    if (driver->device_get_count == NULL || driver->device_get == NULL || driver->device_get_name == NULL ||
        driver->device_get_uuid == NULL || driver->device_total_mem == NULL || driver->device_get_attribute == NULL ||
        driver->device_get_pci_bus_id == NULL) {
        answer(executor, "error unsupported call=cuDeviceGetUuid_v2 needs=11040 driver=%d", driver->version);
        return;
    }
    if (initialize(executor) < 0) {
        return;
    }
    struct timespec since;
    clock_gettime(CLOCK_MONOTONIC, &since);
    const char *call = "cuDeviceGetCount";
    int count = 0;
    cuda_result code = driver->device_get_count(&count);
    for (int i = 0; code == CUDA_SUCCESS && i < count && i < DEVICES_MOST; i++) {
        if (device_item(executor, i, &call, &code) < 0) {
            break;
        }
    }
    tell(executor, call, code, elapsed_ms(&since), "");
}

// 0 when the driver has what the request needs, else -1 after an answer was given.
static int check_support(struct executor *executor, const struct request *request)
{
    const struct driver *driver = &executor->driver;
    int needs = request->verb == VERB_RESTORE && request->pair_count > 0 ? CUDA_DEVICE_MAP_FROM : CUDA_CHECKPOINT_FROM;
    if (driver->version < needs || driver->restore_thread_id == NULL || driver->get_state == NULL || driver->lock == NULL ||
        driver->checkpoint == NULL || driver->restore == NULL || driver->unlock == NULL) {
        answer(executor, "error unsupported verb=%s needs=%d driver=%d", verb_name(request->verb), needs, driver->version);
        return -1;
    }
    return 0;
}

static void process_call(struct executor *executor, struct request *request)
{
    if (check_support(executor, request) < 0) {
        return;
    }
    // Restoring wants the caller to hold the GPUs, or persistence mode; the caller can see to the first itself.
    if (request->verb == VERB_RESTORE && initialize(executor) < 0) {
        return;
    }
    // As late as possible: between here and the driver's own look nothing else happens.
    if (target_check(request->pid, request->start_time) < 0) {
        answer(executor, "error gone text=%.200s", failure());
        return;
    }
    const struct driver *driver = &executor->driver;
    struct cuda_lock_args lock = { .timeout_ms = request->timeout_ms };
    struct cuda_checkpoint_args checkpoint = { { 0 } };
    struct cuda_restore_args restore = { .pairs = request->pair_count > 0 ? request->pairs : NULL, .pair_count = request->pair_count };
    struct cuda_unlock_args unlock = { { 0 } };
    char extra[64] = "";
    int number = 0;
    const char *call = "";
    cuda_result code = CUDA_INVALID_VALUE;
    struct timespec since;
    clock_gettime(CLOCK_MONOTONIC, &since);
    switch (request->verb) {
    case VERB_PROBE:
        call = "cuCheckpointProcessGetRestoreThreadId";
        code = driver->restore_thread_id(request->pid, &number);
        snprintf(extra, sizeof extra, " cuda=yes tid=%d", number);
        if (code == CUDA_INVALID_VALUE || code == CUDA_NOT_INITIALIZED) { // not an error: this is how "no" is said
            answer(executor, "ok call=%s code=%d name=%.64s ms=%.3f cuda=no", call, code, driver_error_name(driver, code),
                   elapsed_ms(&since));
            return;
        }
        break;
    case VERB_STATE:
        call = "cuCheckpointProcessGetState";
        code = driver->get_state(request->pid, &number);
        snprintf(extra, sizeof extra, " state=%d", number);
        break;
    case VERB_LOCK:
        call = "cuCheckpointProcessLock";
        code = driver->lock(request->pid, &lock);
        break;
    case VERB_CHECKPOINT:
        call = "cuCheckpointProcessCheckpoint";
        code = driver->checkpoint(request->pid, &checkpoint);
        break;
    case VERB_RESTORE:
        call = "cuCheckpointProcessRestore";
        code = driver->restore(request->pid, &restore);
        break;
    case VERB_UNLOCK:
        call = "cuCheckpointProcessUnlock";
        code = driver->unlock(request->pid, &unlock);
        break;
    case VERB_HELLO:
    case VERB_DEVICES:
        break; // no calls on a process
    }
    tell(executor, call, code, elapsed_ms(&since), extra);
}

static void execute(struct executor *executor, struct request *request)
{
    if (!executor->loaded) {
        if (driver_load(&executor->driver, executor->library) < 0) {
            answer(executor, "error library text=%.400s", failure());
            return;
        }
        executor->loaded = 1;
    }
    if (request->verb == VERB_HELLO) {
        answer(executor, "ok protocol=1 driver=%d", executor->driver.version);
    } else if (request->verb == VERB_DEVICES) {
        devices(executor);
    } else {
        process_call(executor, request);
    }
}

void execute_requests(int channel, const char *library)
{
    struct executor executor = { .channel = channel, .library = library };
    static char line[REQUEST_LINE_MOST];
    static struct request request;
    for (;;) {
        ssize_t length = recv(channel, line, sizeof line - 1, 0);
        if (length <= 0) {
            _exit(0); // without the library's exit handlers, which may hang like everything else of it
        }
        line[length] = '\0';
        if (request_parse(line, &request) < 0) {
            answer(&executor, "error usage text=%.200s", failure());
        } else {
            execute(&executor, &request);
        }
    }
}
