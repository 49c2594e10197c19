#pragma once

#include <stddef.h>

// Moves this process into the cgroup of every cgroup.procs file; what it forks later starts there.
int cgroups_join(const char *const *procs_files, size_t count);
