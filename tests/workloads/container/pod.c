/*
 * What containers of one pod have in common, of which each has one end (ROLE is 0 or 1):
 * serve=PORT and join=PORT: a connection over loopback, on which every number must come back once and in order; between=ROLE: a segment in
 * /dev/shm that both map; shared=ROLE: a directory /shared of both, each with a file that it holds open; talk=ROLE: a unix connection
 * through /shared. Only one of them may be asked to verify at a time: it waits for what the other does meanwhile.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 6000 /* steps: 60 s */
#define BURST 64      /* numbers a tick: some are always on their way */
#define SIZE (1u << 20)
#define SEED 4711u

static void step(void) { nanosleep(&(struct timespec){.tv_nsec = 10000000L}, NULL); }

/* Both ends of the connection, of which a process has one. */
static int listener = -1, peer = -1;
static uint64_t sent, answered, served;

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(port ? port : "7400")), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void begin_serve(const char *argument)
{
    struct sockaddr_in address = loopback(argument);
    int yes = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4) < 0)
        die("serve");
}

/* A whole number if one is there. */
static bool take(uint64_t *number)
{
    ssize_t length = recv(peer, number, sizeof *number, MSG_PEEK | MSG_DONTWAIT);
    if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) {
        fail("the connection between the containers has ended: %s", length == 0 ? "closed" : strerror(errno));
        close(peer);
        peer = -1;
        return false;
    }
    return length == sizeof *number && recv(peer, number, sizeof *number, MSG_DONTWAIT) == sizeof *number;
}

static void tick_serve(uint64_t count)
{
    uint64_t number;
    (void)count;
    if (peer < 0 && served == 0)
        peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    while (peer >= 0 && take(&number)) {
        if (number != ++served)
            fail("serve: %llu came where %llu was to come", (unsigned long long)number, (unsigned long long)served);
        if (!send_all(peer, &number, sizeof number))
            fail("serve: cannot answer");
    }
}

static void verify_serve(void)
{
    uint64_t before = served;
    for (int waited = 0; waited < PATIENCE && served == before; waited++, step())
        tick_serve(0);
    if (served == before)
        fail("serve: nothing comes after %llu", (unsigned long long)before);
}

static void begin_join(const char *argument)
{
    struct sockaddr_in address = loopback(argument);
    int done = -1;
    for (int waited = 0; waited < PATIENCE && done < 0; waited++, step()) {
        close(peer);
        peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        done = connect(peer, (struct sockaddr *)&address, sizeof address);
    }
    if (done < 0)
        die("join");
}

static void take_answers(void)
{
    uint64_t number;
    while (peer >= 0 && take(&number))
        if (number != ++answered)
            fail("join: %llu came back where %llu was to come", (unsigned long long)number, (unsigned long long)answered);
}

static void tick_join(uint64_t count)
{
    (void)count;
    for (int i = 0; i < BURST && peer >= 0; i++) {
        sent++;
        if (!send_all(peer, &sent, sizeof sent))
            fail("join: cannot send %llu", (unsigned long long)sent);
    }
    take_answers();
}

static void verify_join(void)
{
    tick_join(0);
    for (int waited = 0; waited < PATIENCE && answered != sent && peer >= 0; waited++, step())
        take_answers();
    if (answered != sent)
        fail("join: of %llu numbers %llu came back", (unsigned long long)sent, (unsigned long long)answered);
}

/* Each counts in its own place and looks at the other's. */
struct between {
    atomic_ullong counts[2];
    unsigned char rest[SIZE - 64];
};
static struct between *between;
static int between_role;
static uint64_t between_count, between_seen;

static void begin_between(const char *argument)
{
    between_role = argument ? atoi(argument) & 1 : 0;
    int fd = shm_open("/pod-between", O_RDWR | O_CREAT, 0666);
    if (fd < 0 || ftruncate(fd, SIZE) < 0)
        die("between");
    between = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (between == MAP_FAILED)
        die("between: mmap");
    if (between_role == 0)
        pattern_fill(between->rest, sizeof between->rest, SEED);
}

static void tick_between(uint64_t count)
{
    (void)count;
    uint64_t other = atomic_load(&between->counts[1 - between_role]);
    if (atomic_load(&between->counts[between_role]) != between_count)
        fail("between: what was written last is not there");
    if (other < between_seen)
        fail("between: the other's count went back from %llu to %llu", (unsigned long long)between_seen, (unsigned long long)other);
    between_seen = other;
    atomic_store(&between->counts[between_role], ++between_count);
}

static void verify_between(void)
{
    uint64_t before = atomic_load(&between->counts[1 - between_role]);
    for (int waited = 0; waited < PATIENCE && atomic_load(&between->counts[1 - between_role]) == before; waited++)
        step();
    if (atomic_load(&between->counts[1 - between_role]) == before)
        fail("between: the other container's count stands still at %llu", (unsigned long long)before);
    if (between_role == 0 && !pattern_holds(between->rest, sizeof between->rest, SEED))
        fail("between: the segment is not what was written");
}

static int shared_role, shared_file;
static uint64_t shared_count;

static void shared_path(int role, char path[32]) { snprintf(path, 32, "/shared/role-%d", role); }

static void begin_shared(const char *argument)
{
    char path[32];
    shared_role = argument ? atoi(argument) & 1 : 0;
    shared_path(shared_role, path);
    shared_file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (shared_file < 0)
        die("shared: %s", path);
}

static void tick_shared(uint64_t count)
{
    uint64_t last = 0;
    (void)count;
    if (shared_count > 0 && (pread(shared_file, &last, sizeof last, 0) != sizeof last || last != shared_count))
        fail("shared: %llu is in the file, not %llu", (unsigned long long)last, (unsigned long long)shared_count);
    shared_count++;
    if (pwrite(shared_file, &shared_count, sizeof shared_count, 0) != sizeof shared_count)
        fail("shared: cannot write: %s", strerror(errno));
}

static uint64_t shared_other(void)
{
    char path[32];
    uint64_t number = 0;
    shared_path(1 - shared_role, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, &number, sizeof number) != sizeof number)
        number = 0;
    close(fd);
    return number;
}

static void verify_shared(void)
{
    uint64_t before = shared_other();
    for (int waited = 0; waited < PATIENCE && shared_other() <= before; waited++)
        step();
    if (shared_other() <= before)
        fail("shared: the other container's file stands still at %llu", (unsigned long long)before);
}

static void begin_talk(const char *argument)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/shared/talk.sock"};
    bool serves = !argument || atoi(argument) == 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (serves ? SOCK_NONBLOCK : 0), 0), done = -1;
    if (serves)
        done = bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0 ? -1 : 0;
    for (int waited = 0; !serves && waited < PATIENCE && done < 0; waited++, step())
        done = connect(fd, (struct sockaddr *)&address, sizeof address);
    if (done < 0)
        die("talk");
    listener = fd;
}

static void tick_talk(uint64_t count)
{
    (void)count;
    if (peer < 0)
        peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC); /* the client has nothing to accept, and fails */
}

static void verify_talk(void) {}

const struct check serve_check = {"serve", begin_serve, tick_serve, verify_serve};
const struct check join_check = {"join", begin_join, tick_join, verify_join};
const struct check between_check = {"between", begin_between, tick_between, verify_between};
const struct check shared_check = {"shared", begin_shared, tick_shared, verify_shared};
const struct check talk_check = {"talk", begin_talk, tick_talk, verify_talk};
