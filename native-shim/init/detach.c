#include "init/detach.h"

#include <errno.h>
#include <unistd.h>

#include "common/failure.h"

enum {
    DETACH_FAILED = 126, // what shells say of a command that cannot be run
};

int detach(char **command)
{
    // A process group leader cannot make a session; a child that was just started never is one.
    if (setsid() < 0 && errno != EPERM) {
        fail("setsid: %m");
        report("%s", failure());
        return DETACH_FAILED;
    }
    execv(command[0], command);
    fail("cannot run %s: %m", command[0]);
    report("%s", failure());
    return DETACH_FAILED;
}
