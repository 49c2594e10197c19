#include "init/cgroups.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"

int cgroups_join(const char *const *procs_files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int fd = open(procs_files[i], O_WRONLY | O_CLOEXEC);
        if (fd < 0) {
            return fail("cannot open %.256s: %m", procs_files[i]);
        }
        if (fd_write_all(fd, "0", 1) < 0) { // "0" is the writer itself
            fail("cannot join %.256s: %m", procs_files[i]);
            close(fd);
            return -1;
        }
        close(fd);
    }
    return 0;
}
