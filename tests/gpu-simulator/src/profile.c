#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

struct sim_node node;
uint32_t release_lag_ms = 1000;
uint32_t kernel_ms = 0;
uint32_t process_memory = 1;
uint32_t nvlinks, mig_instances, mig_profile, mig_slices;
uint64_t mig_memory, gpu_memory, ecc_errors, recovery_action, virtualization;
char gpu_name[96];

static unsigned capability_major, capability_minor;

static bool number(const char *text, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 10);
    return *text != '\0' && *end == '\0';
}

bool profile_set(const char *key, const char *value)
{
    uint64_t n = 0;
    if (strcmp(key, "name") == 0) {
        return snprintf(gpu_name, sizeof gpu_name, "%s", value) < (int)sizeof gpu_name;
    }
    if (strcmp(key, "driver") == 0) {
        return snprintf(node.driver, sizeof node.driver, "%s", value) < (int)sizeof node.driver;
    }
    if (strcmp(key, "capability") == 0) {
        return sscanf(value, "%u.%u", &capability_major, &capability_minor) == 2;
    }
    if (!number(value, &n)) {
        return false;
    }
    struct {
        const char *key;
        uint32_t *small;
        uint64_t *large;
    } keys[] = {
        { "cuda", &node.cuda, NULL },
        { "gpus", &node.count, NULL },
        { "persistence", &node.persistence, NULL },
        { "copy-mib-per-second", &node.copy_mib_per_second, NULL },
        { "host-limit", NULL, &node.host_limit },
        { "release-lag-ms", &release_lag_ms, NULL },
        { "kernel-ms", &kernel_ms, NULL },
        { "process-memory", &process_memory, NULL },
        { "nvlinks", &nvlinks, NULL },
        { "mig-instances", &mig_instances, NULL },
        { "mig-profile", &mig_profile, NULL },
        { "mig-slices", &mig_slices, NULL },
        { "memory-mib", NULL, &gpu_memory },
        { "mig-memory-mib", NULL, &mig_memory },
        { "ecc-uncorrected", NULL, &ecc_errors },
        { "recovery-action", NULL, &recovery_action },
        { "virtualization", NULL, &virtualization },
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(key, keys[i].key) == 0) {
            if (keys[i].small != NULL) {
                *keys[i].small = (uint32_t)n;
            } else {
                *keys[i].large = strstr(key, "-mib") != NULL ? n << 20 : n;
            }
            return node.count <= SIM_DEVICES_MOST && mig_instances <= SIM_DEVICES_MOST;
        }
    }
    return false;
}

bool profile_read(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    char line[256];
    bool good = true;
    while (good && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        char *space = strchr(line, ' ');
        if (line[0] == '#' || line[0] == '\0') {
            continue;
        }
        if (space == NULL) {
            good = false;
            break;
        }
        *space = '\0';
        good = profile_set(line, space + 1);
    }
    fclose(file);
    return good;
}

void profile_finish(const char *node_name)
{
    for (uint32_t i = 0; i < node.count; i++) {
        struct sim_device *device = &node.devices[i];
        uint64_t hash = UINT64_C(14695981039346656037); // FNV-1a
        for (const char *at = node_name; *at != '\0'; at++) {
            hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
        }
        for (size_t byte = 0; byte < sizeof device->uuid; byte++) {
            hash = (hash ^ (i + 1)) * UINT64_C(1099511628211);
            device->uuid[byte] = (unsigned char)(hash >> 32);
        }
        device->index = i;
        device->mig = mig_instances > 0;
        device->memory = mig_instances > 0 ? mig_memory : gpu_memory;
        device->major = capability_major;
        device->minor = capability_minor;
        snprintf(device->chip, sizeof device->chip, "%s", gpu_name);
        snprintf(device->name, sizeof device->name, "%.70s%s (simulated)", gpu_name, mig_instances > 0 ? " MIG" : "");
        // Nodes differ in where their GPUs sit.
        snprintf(device->bus, sizeof device->bus, "0000:%02X:00.0", (unsigned)((hash >> 8) & 0x7f) + i);
    }
}
