#include "common/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"

int unix_path_address_at(int directory, const char *name, struct sockaddr_un *address)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof address->sun_path) {
        return fail("the socket's name is longer than a unix socket address allows: %.64s", name);
    }
    return 0;
}

int unix_path_address(const char *path, struct sockaddr_un *address, int *directory)
{
    *directory = -1;
    size_t length = strlen(path);
    if (length == 0 || length >= PATH_MAX) {
        return fail("the socket's path is empty or too long (%zu bytes)", length);
    }
    if (length < sizeof address->sun_path) {
        memset(address, 0, sizeof *address);
        address->sun_family = AF_UNIX;
        memcpy(address->sun_path, path, length + 1);
        return 0;
    }
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return fail("the socket's name is longer than a unix socket address allows: %.64s", path);
    }
    char folder[PATH_MAX];
    size_t folder_length = slash == path ? 1 : (size_t)(slash - path);
    memcpy(folder, path, folder_length);
    folder[folder_length] = '\0';
    *directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*directory < 0) {
        return fail("cannot open the socket's directory %.256s: %m", folder);
    }
    if (unix_path_address_at(*directory, slash + 1, address) < 0) {
        fd_close(directory);
        return -1;
    }
    return 0;
}
