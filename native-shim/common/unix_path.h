#pragma once

#include <sys/socket.h>
#include <sys/un.h>

// An address for a unix socket path of any length: sun_path holds 107 characters, a longer path goes
// through an O_PATH descriptor of its directory (/proc/self/fd/N/name). *directory is that descriptor
// (close it after connect or bind), or -1 when none was needed.
int unix_path_address(const char *path, struct sockaddr_un *address, int *directory);

// The address of `name` inside an opened directory, independent of where that directory is.
int unix_path_address_at(int directory, const char *name, struct sockaddr_un *address);
