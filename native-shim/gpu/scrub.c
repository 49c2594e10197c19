#include "gpu/scrub.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/failure.h"

extern char **environ;

// The dynamic loader's and libc's own; they have had their effect when main() starts.
static const char *const loader_prefixes[] = { "LD_", "GLIBC_TUNABLES=", "GCONV_PATH=", "MALLOC_" };

static const char *const driver_prefixes[] = { "CUDA_", "NVIDIA_", "NCCL_", "__NV", "__GL" };

static bool starts_with_any(const char *text, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

int scrub_environment(char **arguments)
{
    bool obeyed = false;
    char **kept = environ;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (starts_with_any(*entry, loader_prefixes, sizeof loader_prefixes / sizeof loader_prefixes[0])) {
            obeyed = true;
        } else if (!starts_with_any(*entry, driver_prefixes, sizeof driver_prefixes / sizeof driver_prefixes[0])) {
            *kept++ = *entry;
        }
    }
    *kept = NULL;
    if (!obeyed) {
        return 0;
    }
    execv("/proc/self/exe", arguments);
    return fail("cannot start again without the loader's variables: %m");
}
