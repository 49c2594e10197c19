/* identity: user, groups, capabilities, seccomp, pid, host's names; terminal: stdin and stdout are one; readonly: the root cannot be written. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define MOST_LINES 16
#define LINE 256

/* Lines of /proc/self/status that must stay as they are. */
static const char *const kept[] = {"Name:", "Uid:", "Gid:", "Groups:", "Umask:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:"};
#define KEPT (sizeof kept / sizeof *kept)
static char before[KEPT][LINE], now[KEPT][LINE];
static pid_t pid, parent, session;

static void read_status(char lines[KEPT][LINE])
{
    char line[LINE];
    FILE *status = fopen("/proc/self/status", "re");
    if (!status) {
        fail("identity: no /proc: %s", strerror(errno));
        return;
    }
    while (fgets(line, sizeof line, status))
        for (size_t i = 0; i < KEPT; i++)
            if (strncmp(line, kept[i], strlen(kept[i])) == 0)
                memcpy(lines[i], line, strcspn(line, "\n"));
    fclose(status);
}

static void begin_identity(const char *argument)
{
    (void)argument;
    pid = getpid();
    parent = getppid();
    session = getsid(0);
    read_status(before);
    for (size_t i = 0; i < KEPT; i++)
        if (strncmp(kept[i], "Uid", 3) == 0 || strncmp(kept[i], "Secc", 4) == 0 || strncmp(kept[i], "NoNew", 5) == 0)
            say("%s", before[i]);
}

static void verify_identity(void)
{
    memset(now, 0, sizeof now);
    read_status(now);
    for (size_t i = 0; i < KEPT; i++)
        if (strcmp(before[i], now[i]) != 0)
            fail("identity: was '%s', is '%s'", before[i], now[i]);
    if (getpid() != pid || getppid() != parent || getsid(0) != session)
        fail("identity: was %d below %d in %d, is %d below %d in %d", pid, parent, session, getpid(), getppid(), getsid(0));
}

static struct termios modes;

static void begin_terminal(const char *argument)
{
    (void)argument;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &modes) < 0)
        die("terminal: there is none");
    modes.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &modes) < 0)
        die("terminal: tcsetattr");
}

static void verify_terminal(void)
{
    struct termios got;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &got) < 0)
        fail("terminal: there is none any more: %s", strerror(errno));
    else if (got.c_lflag != modes.c_lflag || got.c_iflag != modes.c_iflag)
        fail("terminal: modes %x, were %x", got.c_lflag, modes.c_lflag);
}

static void verify_readonly(void)
{
    if (open("/image/forbidden", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 || errno != EROFS)
        fail("readonly: the root can be written: %s", strerror(errno));
}

static void begin_readonly(const char *argument)
{
    (void)argument;
    verify_readonly();
}

const struct check identity_check = {"identity", begin_identity, NULL, verify_identity};
const struct check terminal_check = {"terminal", begin_terminal, NULL, verify_terminal};
const struct check readonly_check = {"readonly", begin_readonly, NULL, verify_readonly};
