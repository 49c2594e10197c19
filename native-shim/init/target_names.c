#include "init/target.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/failure.h"

// Runs a step in the target's UTS namespace, and comes back.
static int in_uts(const struct target *target, int (*step)(struct target_names *), struct target_names *names)
{
    int home = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    if (home < 0) {
        return fail("cannot open our own UTS namespace: %m");
    }
    if (setns(target->process, CLONE_NEWUTS) < 0) {
        fail("cannot enter the target's UTS namespace: %m");
        close(home);
        return -1;
    }
    int done = step(names);
    if (setns(home, CLONE_NEWUTS) < 0) {
        done = fail("cannot come back to our own UTS namespace: %m");
    }
    close(home);
    return done;
}

static int get_names(struct target_names *names)
{
    struct utsname found;
    if (uname(&found) < 0) {
        return fail("cannot read the target's host name: %m");
    }
    snprintf(names->host, sizeof names->host, "%s", found.nodename);
    snprintf(names->domain, sizeof names->domain, "%s", found.domainname);
    return 0;
}

static int set_names(struct target_names *names)
{
    if (sethostname(names->host, strlen(names->host)) < 0 || setdomainname(names->domain, strlen(names->domain)) < 0) {
        return fail("cannot set the target's host name: %m");
    }
    return 0;
}

int target_get_names(const struct target *target, struct target_names *names)
{
    return in_uts(target, get_names, names);
}

int target_set_names(const struct target *target, const struct target_names *names)
{
    struct target_names copy = *names;
    return in_uts(target, set_names, &copy);
}
