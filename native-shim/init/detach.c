#include "init/detach.h"

#include <errno.h>
#include <unistd.h>

#include "common/failure.h"
#include "init/signals.h"

enum { CANNOT_RUN = 126, NOT_FOUND = 127 };

int detach(char **command)
{
    // EPERM: we lead a process group already. A child that was just started never does; who was started by hand
    // from a shell is, and a new session is not worth the new pid that it would take.
    if (setsid() < 0 && errno != EPERM) {
        report("cannot make a session: %m");
        return DETACH_FAILED;
    }
    signals_restore_for_child();
    execv(command[0], command);
    int code = errno == ENOENT ? NOT_FOUND : CANNOT_RUN;
    report("cannot run %.256s: %m", command[0]);
    return code;
}
