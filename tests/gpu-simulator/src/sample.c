// A CUDA program (driver API) that knows nothing of checkpoints: it fills device memory on every GPU that it sees,
// transforms it again and again by a kernel, does the same in host memory, and ends with code 3 when the two differ.
// It runs on a real GPU as well: the kernel is PTX.
//
//   gpu-sample --library FILE [--mib N] [--pause-ms N] [--steps N] [--managed] [--export] [--import] [--fork]
//
// Prints "step N checksum" after each step, where the checksum is that of the last GPU's memory.

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { GPUS_MOST = 16, THREADS = 256 };

static const char ptx[] =
    ".version 7.0\n.target sm_70\n.address_size 64\n"
    ".visible .entry transform(.param .u64 data, .param .u64 count, .param .u64 step)\n{\n"
    ".reg .pred %p<2>;\n.reg .b32 %r<4>;\n.reg .b64 %rd<9>;\n"
    "ld.param.u64 %rd1, [data];\nld.param.u64 %rd2, [count];\nld.param.u64 %rd3, [step];\n"
    "cvta.to.global.u64 %rd1, %rd1;\n"
    "mov.u32 %r1, %ctaid.x;\nmov.u32 %r2, %ntid.x;\nmov.u32 %r3, %tid.x;\n"
    "mul.wide.u32 %rd4, %r1, %r2;\ncvt.u64.u32 %rd5, %r3;\nadd.s64 %rd4, %rd4, %rd5;\n"
    "setp.ge.u64 %p1, %rd4, %rd2;\n@%p1 bra DONE;\n"
    "shl.b64 %rd6, %rd4, 3;\nadd.s64 %rd7, %rd1, %rd6;\nld.global.u64 %rd8, [%rd7];\n"
    "mul.lo.s64 %rd8, %rd8, 2862933555777941757;\nadd.s64 %rd8, %rd8, 3037000493;\nadd.s64 %rd8, %rd8, %rd3;\n"
    "st.global.u64 [%rd7], %rd8;\nDONE:\nret;\n}\n";

typedef uint64_t pointer;

static struct {
    int (*init)(unsigned int);
    int (*count)(int *);
    int (*get)(int *, int);
    int (*create)(void **, unsigned int, int);
    int (*set_current)(void *);
    int (*allocate)(pointer *, size_t);
    int (*allocate_managed)(pointer *, size_t, unsigned int);
    int (*to_device)(pointer, const void *, size_t);
    int (*to_host)(void *, pointer, size_t);
    int (*synchronize)(void);
    int (*load)(void **, const void *);
    int (*function)(void **, void *, const char *);
    int (*launch)(void *, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, void *, void **, void **);
    int (*export)(void *, pointer);
    int (*import)(uint64_t *, void *, int);
} cuda;

static void check(int code, const char *what)
{
    if (code != 0) {
        fprintf(stderr, "gpu-sample: %s says %d\n", what, code);
        exit(2);
    }
}

static void resolve(void *library, void *member, const char *name)
{
    void *found = dlsym(library, name);
    memcpy(member, &found, sizeof found);
}

static void load_driver(const char *name)
{
    void *library = dlopen(name, RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "gpu-sample: %s\n", dlerror());
        exit(2);
    }
    resolve(library, &cuda.init, "cuInit");
    resolve(library, &cuda.count, "cuDeviceGetCount");
    resolve(library, &cuda.get, "cuDeviceGet");
    resolve(library, &cuda.create, "cuCtxCreate_v2");
    resolve(library, &cuda.set_current, "cuCtxSetCurrent");
    resolve(library, &cuda.allocate, "cuMemAlloc_v2");
    resolve(library, &cuda.allocate_managed, "cuMemAllocManaged");
    resolve(library, &cuda.to_device, "cuMemcpyHtoD_v2");
    resolve(library, &cuda.to_host, "cuMemcpyDtoH_v2");
    resolve(library, &cuda.synchronize, "cuCtxSynchronize");
    resolve(library, &cuda.load, "cuModuleLoadData");
    resolve(library, &cuda.function, "cuModuleGetFunction");
    resolve(library, &cuda.launch, "cuLaunchKernel");
    resolve(library, &cuda.export, "cuIpcGetMemHandle");
    resolve(library, &cuda.import, "cuMemImportFromShareableHandle");
}

static struct gpu {
    void *context;
    void *kernel;
    pointer memory;
    uint64_t *host;
} gpus[GPUS_MOST];

static uint64_t checksum(const uint64_t *words, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum = sum * 31 + words[i];
    }
    return sum;
}

static void start(struct gpu *gpu, int index, size_t bytes, int managed)
{
    int device;
    void *module;
    check(cuda.get(&device, index), "cuDeviceGet");
    check(cuda.create(&gpu->context, 0, device), "cuCtxCreate");
    check(managed ? cuda.allocate_managed(&gpu->memory, bytes, 1) : cuda.allocate(&gpu->memory, bytes), "cuMemAlloc");
    check(cuda.load(&module, ptx), "cuModuleLoadData");
    check(cuda.function(&gpu->kernel, module, "transform"), "cuModuleGetFunction");
    gpu->host = malloc(bytes);
    if (gpu->host == NULL) {
        exit(2);
    }
    for (size_t i = 0; i < bytes / 8; i++) {
        gpu->host[i] = (uint64_t)index * 1000003 + i;
    }
    check(cuda.to_device(gpu->memory, gpu->host, bytes), "cuMemcpyHtoD");
}

static void step(struct gpu *gpu, size_t count, uint64_t number, uint64_t *seen)
{
    uint64_t words = count;
    void *parameters[] = { &gpu->memory, &words, &number };
    check(cuda.set_current(gpu->context), "cuCtxSetCurrent");
    check(cuda.launch(gpu->kernel, (unsigned int)((count + THREADS - 1) / THREADS), 1, 1, THREADS, 1, 1, 0, NULL, parameters, NULL), "cuLaunchKernel");
    for (size_t i = 0; i < count; i++) {
        gpu->host[i] = gpu->host[i] * UINT64_C(2862933555777941757) + UINT64_C(3037000493) + number;
    }
    check(cuda.synchronize(), "cuCtxSynchronize");
    check(cuda.to_host(seen, gpu->memory, count * 8), "cuMemcpyDtoH");
    if (memcmp(seen, gpu->host, count * 8) != 0) {
        printf("WRONG at step %llu\n", (unsigned long long)number);
        fflush(stdout);
        exit(3);
    }
}

int main(int argument_count, char **arguments)
{
    const char *library = "libcuda.so.1";
    size_t mib = 4;
    long pause_ms = 20;
    uint64_t steps = UINT64_MAX;
    int managed = 0, export = 0, import = 0, with_child = 0, count = 0;
    for (int i = 1; i < argument_count; i++) {
        const char *value = i + 1 < argument_count ? arguments[i + 1] : "";
        if (strcmp(arguments[i], "--library") == 0) {
            library = arguments[++i];
        } else if (strcmp(arguments[i], "--mib") == 0) {
            mib = strtoul(value, NULL, 10), i++;
        } else if (strcmp(arguments[i], "--pause-ms") == 0) {
            pause_ms = strtol(value, NULL, 10), i++;
        } else if (strcmp(arguments[i], "--steps") == 0) {
            steps = strtoull(value, NULL, 10), i++;
        } else if (strcmp(arguments[i], "--managed") == 0) {
            managed = 1;
        } else if (strcmp(arguments[i], "--export") == 0) {
            export = 1;
        } else if (strcmp(arguments[i], "--import") == 0) {
            import = 1;
        } else if (strcmp(arguments[i], "--fork") == 0) {
            with_child = 1;
        } else {
            fprintf(stderr, "gpu-sample: not understood: %s\n", arguments[i]);
            return 2;
        }
    }
    load_driver(library);
    check(cuda.init(0), "cuInit");
    check(cuda.count(&count), "cuDeviceGetCount");
    count = count < GPUS_MOST ? count : GPUS_MOST;
    size_t words = (mib << 20) / 8;
    uint64_t *seen = malloc(words * 8);
    for (int i = 0; i < count; i++) {
        start(&gpus[i], i, words * 8, managed);
    }
    char handle[64];
    uint64_t opened;
    if (export) {
        check(cuda.export(handle, gpus[0].memory), "cuIpcGetMemHandle");
    }
    if (import) {
        check(cuda.import(&opened, handle, 1), "cuMemImportFromShareableHandle");
    }
    if (with_child && fork() == 0) { // holds the device files and uses no GPU
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            pause();
        }
    }
    for (uint64_t number = 1; number <= steps && seen != NULL; number++) {
        for (int i = 0; i < count; i++) {
            step(&gpus[i], words, number, seen);
        }
        printf("%llu %016llx\n", (unsigned long long)number, (unsigned long long)checksum(seen, words));
        fflush(stdout);
        struct timespec pause = { .tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000 };
        nanosleep(&pause, NULL);
    }
    return 0;
}
