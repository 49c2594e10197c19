/* pipes: a pipe and a named one, with data that waits; events: eventfd and epoll; timers: all kinds of clocks go on. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define WAITING "in the pipe"
#define FIFO "/tmp/workload.fifo"
#define PATIENCE 6000 /* steps: 60 s */
#define PATIENCE_MS 60000
#define WAITING_EVENTS 3
#define STEP_NANOSECONDS 10000000L

static int ends[2], fifo;

static void begin_pipes(const char *argument)
{
    (void)argument;
    mkdir("/tmp", 01777);
    unlink(FIFO);
    if (pipe2(ends, O_CLOEXEC) < 0 || mkfifo(FIFO, 0600) < 0 || (fifo = open(FIFO, O_RDWR | O_CLOEXEC)) < 0 ||
        !send_all(ends[1], WAITING, sizeof WAITING) || !send_all(fifo, WAITING, sizeof WAITING))
        die("pipes");
}

static void verify_pipe(const char *name, int from, int to)
{
    char text[sizeof WAITING] = "";
    if (!receive_all(from, text, sizeof text) || strcmp(text, WAITING) != 0 || !send_all(to, WAITING, sizeof WAITING))
        fail("pipes: what waited in the %s has gone: '%s'", name, text);
}

static void verify_pipes(void)
{
    struct stat named, open;
    verify_pipe("pipe", ends[0], ends[1]);
    verify_pipe("named pipe", fifo, fifo);
    if (stat(FIFO, &named) < 0 || fstat(fifo, &open) < 0 || named.st_ino != open.st_ino)
        fail("pipes: %s is another one now", FIFO);
}

static int event, poller;

static void begin_events(const char *argument)
{
    (void)argument;
    struct epoll_event wanted = {.events = EPOLLIN, .data.u64 = 4711};
    event = eventfd(0, EFD_CLOEXEC);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (event < 0 || poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, event, &wanted) < 0 || eventfd_write(event, WAITING_EVENTS) < 0)
        die("events");
}

static void verify_events(void)
{
    struct epoll_event got = {0};
    eventfd_t value = 0;
    if (epoll_wait(poller, &got, 1, PATIENCE_MS) != 1 || got.data.u64 != 4711)
        fail("events: epoll says nothing: %s", strerror(errno));
    else if (eventfd_read(event, &value) < 0 || value != WAITING_EVENTS || eventfd_write(event, WAITING_EVENTS) < 0)
        fail("events: the counter gives %llu", (unsigned long long)value);
}

static timer_t posix_timer;
static int timer_fd;
static volatile sig_atomic_t alarms, ticks;
static struct timespec last;

static void on_timer(int number) { number == SIGALRM ? alarms++ : ticks++; }

static void begin_timers(const char *argument)
{
    (void)argument;
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    struct sigevent how = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
    struct itimerval every = {{0, 50000}, {0, 50000}};
    struct itimerspec also = {{0, 50000000}, {0, 50000000}};
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGRTMIN + 3, &action, NULL);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (setitimer(ITIMER_REAL, &every, NULL) < 0 || timer_create(CLOCK_MONOTONIC, &how, &posix_timer) < 0 || timer_settime(posix_timer, 0, &also, NULL) < 0 ||
        timer_fd < 0 || timerfd_settime(timer_fd, 0, &also, NULL) < 0)
        die("timers");
    clock_gettime(CLOCK_MONOTONIC, &last);
}

static void tick_timers(uint64_t count)
{
    (void)count;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec))
        fail("timers: the monotonic clock went back from %lld to %lld s", (long long)last.tv_sec, (long long)now.tv_sec);
    last = now;
}

static void verify_timers(void)
{
    uint64_t expirations = 0;
    int before_alarms = alarms, before_ticks = ticks;
    for (int i = 0; i < PATIENCE && (alarms == before_alarms || ticks == before_ticks); i++)
        nanosleep(&(struct timespec){.tv_nsec = STEP_NANOSECONDS}, NULL);
    if (alarms == before_alarms)
        fail("timers: setitimer has stopped");
    if (ticks == before_ticks)
        fail("timers: timer_create's timer has stopped");
    if (!receive_all(timer_fd, &expirations, sizeof expirations) || expirations == 0)
        fail("timers: timerfd has stopped");
}

const struct check pipes_check = {"pipes", begin_pipes, NULL, verify_pipes};
const struct check events_check = {"events", begin_events, NULL, verify_events};
const struct check timers_check = {"timers", begin_timers, tick_timers, verify_timers};
