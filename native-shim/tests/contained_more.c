#include "contained_more.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

enum { GONE_MOST = 4 };

static int pty_master = -1, pty_slave = -1, listener = -1, fifo = -1, watch = -1, locked = -1, near = -1, far = -1;
static int gone[GONE_MOST] = { -1, -1, -1, -1 };
static int *segment, *gone_memory;
static pid_t child;
static struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/tmp/socket" };

void require(int holds, const char *what)
{
    if (!holds) {
        dprintf(STDERR_FILENO, "contained: %s: %m\n", what);
        _exit(4);
    }
}

static void open_pty(void)
{
    pty_master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    require(pty_master >= 0 && grantpt(pty_master) == 0 && unlockpt(pty_master) == 0, "no pty");
    pty_slave = open(ptsname(pty_master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    require(pty_slave >= 0, "no slave");
}

static void open_gone(void)
{
    static const char *const names[GONE_MOST] = { "/tmp/gone", "/data/gone", "/var/gone", "/dev/shm/gone" };
    for (int i = 0; i < GONE_MOST; i++) {
        gone[i] = open(names[i], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        require(gone[i] >= 0 && unlink(names[i]) == 0 && ftruncate(gone[i], 4096) == 0, names[i]);
    }
    gone_memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, gone[3], 0);
    require(gone_memory != MAP_FAILED, "no mapping of an unlinked file");
}

// A connection of this process with itself, and somebody who listens.
static void open_connection(void)
{
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons(8080), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(server >= 0 && bind(server, (const struct sockaddr *)&place, sizeof place) == 0 && listen(server, 1) == 0, "no server");
    near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(connect(near, (const struct sockaddr *)&place, sizeof place) == 0, "no connection");
    far = accept(server, NULL, NULL);
    require(far >= 0, "nothing to accept");
}

static void open_child(void)
{
    child = fork();
    if (child == 0) {
        setsid();
        for (;;) {
            pause();
        }
    }
    require(child > 0, "no child");
    while (getsid(child) != child) {
        (void)poll(NULL, 0, 1);
    }
}

void more_open(const char *kinds)
{
    if (strchr(kinds, 'p') != NULL) {
        open_pty();
    }
    if (strchr(kinds, 'u') != NULL) { // a unix socket with a name
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        require(listener >= 0 && bind(listener, (const struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0,
                "no listener");
    }
    if (strchr(kinds, 'f') != NULL) {
        require(mkfifo("/tmp/fifo", 0600) == 0, "no fifo");
        fifo = open("/tmp/fifo", O_RDWR | O_CLOEXEC);
        require(fifo >= 0, "no fifo");
    }
    if (strchr(kinds, 'g') != NULL) {
        open_gone();
    }
    if (strchr(kinds, 'i') != NULL) {
        watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        require(watch >= 0 && inotify_add_watch(watch, "/data", IN_CREATE) >= 0, "no watch");
    }
    if (strchr(kinds, 's') != NULL) { // System V shared memory
        segment = shmat(shmget(0x77, 4096, IPC_CREAT | 0600), NULL, 0);
        require(segment != (int *)-1, "no segment");
    }
    if (strchr(kinds, 'l') != NULL) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        locked = open("/data/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        require(locked >= 0 && fcntl(locked, F_SETLK, &lock) == 0, "no lock");
    }
    if (strchr(kinds, 'd') != NULL) {
        require(chdir("/data") == 0, "no directory");
    }
    if (strchr(kinds, 't') != NULL) {
        open_connection();
    }
    if (strchr(kinds, 'c') != NULL) {
        open_child();
    }
}

static void check_pty(void)
{
    char text[8] = "";
    struct winsize size;
    require(write(pty_slave, "x\n", 2) == 2 && read(pty_master, text, sizeof text) == 3 && text[0] == 'x', "the pty is broken");
    require(ioctl(pty_master, TIOCGWINSZ, &size) == 0, "the pty has no size");
}

static void check_listener(void)
{
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(connect(client, (const struct sockaddr *)&address, sizeof address) == 0, "nobody listens any more");
    int served = accept(listener, NULL, NULL);
    require(served >= 0, "nothing to accept");
    close(served);
    close(client);
}

static void check_watch(int number)
{
    char name[32];
    char events[4096];
    snprintf(name, sizeof name, "/data/event-%d", number);
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    require(fd >= 0 && unlink(name) == 0, name);
    close(fd);
    require(read(watch, events, sizeof events) > 0, "the watch sees nothing");
}

void more_check(int number)
{
    if (pty_master >= 0) {
        check_pty();
    }
    if (listener >= 0) {
        check_listener();
    }
    if (fifo >= 0) {
        char byte;
        require(write(fifo, "y", 1) == 1 && read(fifo, &byte, 1) == 1 && byte == 'y', "the fifo is broken");
    }
    for (int i = 0; i < GONE_MOST && gone[i] >= 0; i++) {
        int found = -1;
        struct stat status;
        require(pread(gone[i], &found, sizeof found, 0) == sizeof found && found == number, "an unlinked file has changed");
        require(fstat(gone[i], &status) == 0 && status.st_nlink == 0, "an unlinked file has a name");
        found++;
        require(pwrite(gone[i], &found, sizeof found, 0) == sizeof found, "an unlinked file cannot be written");
    }
    require(gone_memory == NULL || *gone_memory == number + 1, "the mapping of an unlinked file has changed");
    if (watch >= 0) {
        check_watch(number);
    }
    require(segment == NULL || (*segment)++ == number, "the segment has changed");
    if (near >= 0) {
        char byte;
        require(write(near, "z", 1) == 1 && read(far, &byte, 1) == 1 && byte == 'z', "the connection is broken");
    }
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    require(locked < 0 || fcntl(locked, F_SETLK, &lock) == 0, "the lock is lost");
    require(child == 0 || (kill(child, 0) == 0 && getsid(child) == child), "the child has changed");
}
