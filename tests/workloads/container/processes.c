/* threads=N, forks=N: they run on, as who they were; orphan: a process whose parent has gone. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST 16
#define DEFAULT_THREADS 4
#define DEFAULT_FORKS 3
#define STEP_NANOSECONDS 5000000L
#define PATIENCE 12000 /* steps: 60 s */

struct thread {
    pthread_t handle;
    pid_t tid;
    atomic_ullong steps;
};
static struct thread threads[MOST];
static int thread_count;
static _Thread_local uint64_t own; /* thread-local storage must follow its thread */

static void step(void) { nanosleep(&(struct timespec){.tv_nsec = STEP_NANOSECONDS}, NULL); }

static void *count_steps(void *argument)
{
    struct thread *self = argument;
    self->tid = gettid();
    for (own = 1;; own++) {
        if (gettid() != self->tid || own != atomic_fetch_add(&self->steps, 1) + 1)
            fail("threads: thread %d is %d and lost count", self->tid, gettid());
        step();
    }
    return NULL;
}

static int bounded(const char *argument, int otherwise)
{
    int n = argument ? atoi(argument) : otherwise;
    return n < 1 ? 1 : n > MOST ? MOST : n;
}

static void begin_threads(const char *argument)
{
    thread_count = bounded(argument, DEFAULT_THREADS);
    sigset_t signals, before;
    sigfillset(&signals); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &signals, &before);
    for (int i = 0; i < thread_count; i++)
        if ((errno = pthread_create(&threads[i].handle, NULL, count_steps, &threads[i])) != 0)
            die("threads");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void verify_threads(void)
{
    for (int i = 0; i < thread_count; i++) {
        uint64_t before = atomic_load(&threads[i].steps);
        int waited = 0;
        while (atomic_load(&threads[i].steps) == before && waited++ < PATIENCE)
            step();
        if (waited >= PATIENCE)
            fail("threads: thread %d stands still", threads[i].tid);
    }
}

/* A process that answers each number with its successor, over a socket pair. */
struct child {
    pid_t pid;
    int link;
};
static struct child children[MOST];
static int child_count;

static _Noreturn void serve(int link)
{
    signal(SIGUSR1, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    uint64_t number;
    while (recv(link, &number, sizeof number, MSG_WAITALL) == sizeof number) {
        number++;
        if (send(link, &number, sizeof number, MSG_NOSIGNAL) != sizeof number)
            break;
    }
    _exit(0);
}

static void must_answer(const char *name, int link)
{
    uint64_t number = current_count(), got = 0;
    if (!send_all(link, &number, sizeof number) || !receive_all(link, &got, sizeof got) || got != number + 1)
        fail("%s: no right answer to %llu: %llu", name, (unsigned long long)number, (unsigned long long)got);
}

static void begin_forks(const char *argument)
{
    child_count = bounded(argument, DEFAULT_FORKS);
    for (int i = 0; i < child_count; i++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || (children[i].pid = fork()) < 0)
            die("forks");
        if (children[i].pid == 0)
            serve((close(ends[0]), ends[1]));
        close(ends[1]);
        children[i].link = ends[0];
    }
}

static void verify_forks(void)
{
    for (int i = 0; i < child_count; i++) {
        must_answer("forks", children[i].link);
        if (kill(children[i].pid, 0) < 0)
            fail("forks: %d: %s", children[i].pid, strerror(errno));
    }
}

/* Its parent has ended: it belongs to PID 1. In a session of its own, with a name that can be found in /proc. */
static int orphan_link;

static void begin_orphan(const char *argument)
{
    (void)argument;
    int ends[2];
    pid_t between;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || (between = fork()) < 0)
        die("orphan");
    if (between == 0) {
        setsid();
        if (fork() == 0)
            serve((close(ends[0]), ends[1]));
        _exit(0);
    }
    close(ends[1]);
    orphan_link = ends[0];
    siginfo_t info;
    while (syscall(SYS_waitid, 1 /* P_PID */, between, &info, 4 /* WEXITED */, NULL) < 0 && errno == EINTR)
        ;
}

static void verify_orphan(void) { must_answer("orphan", orphan_link); }

const struct check threads_check = {"threads", begin_threads, NULL, verify_threads};
const struct check forks_check = {"forks", begin_forks, NULL, verify_forks};
const struct check orphan_check = {"orphan", begin_orphan, NULL, verify_orphan};
