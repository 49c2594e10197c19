/* shm: an anonymous and a POSIX mapping shared with a child; sysv: segment, semaphore and queue; devshm: plain files in /dev/shm. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIZE (1u << 20)
#define SEED 77u
#define STEP_NANOSECONDS 10000000L
#define PATIENCE 6000 /* steps: 60 s */

/* The child answers in shared memory: if it is not the same memory any more, no answer comes. */
struct shared {
    atomic_ullong question, answer;
    unsigned char rest[SIZE - 64];
};
static struct shared *areas[2];

static _Noreturn void mirror(void)
{
    signal(SIGUSR1, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    for (;;) {
        for (int i = 0; i < 2; i++)
            atomic_store(&areas[i]->answer, atomic_load(&areas[i]->question));
        nanosleep(&(struct timespec){.tv_nsec = STEP_NANOSECONDS}, NULL);
    }
}

static void begin_shm(const char *argument)
{
    (void)argument;
    int fd = shm_open("/workload-shared", O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, SIZE) < 0)
        die("shm");
    areas[0] = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    areas[1] = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    close(fd);
    if (areas[0] == MAP_FAILED || areas[1] == MAP_FAILED)
        die("shm: mmap");
    pattern_fill(areas[0]->rest, sizeof areas[0]->rest, SEED);
    pattern_fill(areas[1]->rest, sizeof areas[1]->rest, SEED + 1);
    pid_t child = fork();
    if (child < 0)
        die("shm: fork");
    if (child == 0)
        mirror();
}

static void verify_shm(void)
{
    for (int i = 0; i < 2; i++) {
        uint64_t question = atomic_load(&areas[i]->question) + 1;
        int waited = 0;
        atomic_store(&areas[i]->question, question);
        while (atomic_load(&areas[i]->answer) != question && waited++ < PATIENCE)
            nanosleep(&(struct timespec){.tv_nsec = STEP_NANOSECONDS}, NULL);
        if (waited >= PATIENCE)
            fail("shm: the child does not see what is written to mapping %d", i);
        if (!pattern_holds(areas[i]->rest, sizeof areas[i]->rest, SEED + i))
            fail("shm: mapping %d is not what was written", i);
    }
    /* The name leads to the same memory. */
    int fd = shm_open("/workload-shared", O_RDONLY, 0);
    uint64_t question = 0;
    if (fd < 0 || pread(fd, &question, sizeof question, 0) != sizeof question || question != atomic_load(&areas[0]->question))
        fail("shm: /dev/shm/workload-shared holds %llu: %s", (unsigned long long)question, strerror(errno));
    close(fd);
}

static int segment, semaphore, queue;
static void *attached;

static void begin_sysv(const char *argument)
{
    (void)argument;
    segment = shmget(0x5151, SIZE, IPC_CREAT | 0600);
    semaphore = semget(0x5152, 1, IPC_CREAT | 0600);
    queue = msgget(0x5153, IPC_CREAT | 0600);
    if (segment < 0 || semaphore < 0 || queue < 0 || (attached = shmat(segment, NULL, 0)) == (void *)-1)
        die("sysv");
    pattern_fill(attached, SIZE, SEED);
    struct { long type; char text[8]; } message = {1, "waiting"};
    if (semctl(semaphore, 0, SETVAL, 5) < 0 || msgsnd(queue, &message, sizeof message.text, 0) < 0)
        die("sysv: values");
}

static void verify_sysv(void)
{
    struct { long type; char text[8]; } message;
    if (!pattern_holds(attached, SIZE, SEED))
        fail("sysv: the segment is not what was written");
    if (semctl(semaphore, 0, GETVAL) != 5)
        fail("sysv: the semaphore is %d", semctl(semaphore, 0, GETVAL));
    if (msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT) < 0 || strcmp(message.text, "waiting") != 0)
        fail("sysv: the message has gone: %s", strerror(errno));
    else
        msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT);
}

static int held; /* open and without a name */

static void begin_devshm(const char *argument)
{
    (void)argument;
    unsigned char block[4096];
    pattern_fill(block, sizeof block, SEED);
    int fd = open("/dev/shm/workload-file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    held = open("/dev/shm/workload-held", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || held < 0 || !send_all(fd, block, sizeof block) || !send_all(held, block, sizeof block) || mkdir("/dev/shm/workload-dir", 0711) < 0)
        die("devshm");
    close(fd);
    unlink("/dev/shm/workload-held");
}

static void verify_devshm(void)
{
    unsigned char block[4096] = {0};
    struct stat entry;
    int fd = open("/dev/shm/workload-file", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, block, sizeof block) != sizeof block || !pattern_holds(block, sizeof block, SEED))
        fail("devshm: the file is not what was written: %s", strerror(errno));
    close(fd);
    if (pread(held, block, sizeof block, 0) != sizeof block || !pattern_holds(block, sizeof block, SEED))
        fail("devshm: the unlinked file is not what was written");
    if (stat("/dev/shm/workload-file", &entry) < 0 || (entry.st_mode & 0777) != 0640)
        fail("devshm: mode %o", entry.st_mode);
    if (stat("/dev/shm/workload-dir", &entry) < 0 || (entry.st_mode & 0777) != 0711)
        fail("devshm: directory mode %o", entry.st_mode);
}

const struct check shm_check = {"shm", begin_shm, NULL, verify_shm};
const struct check sysv_check = {"sysv", begin_sysv, NULL, verify_sysv};
const struct check devshm_check = {"devshm", begin_devshm, NULL, verify_devshm};
