/*
 * workload [--code N] [--quiet] CHECK[=ARGUMENT]...
 *
 * Prints "tick N errors E" ten times a second. SIGUSR1: verifies everything and prints "verified K errors E" (K: how often it was
 * asked). SIGTERM and SIGINT: prints "stopping" and exits with N (default 0). Static, no files needed.
 * "workload ls" lists the checks, "workload cat FILE" shows a file of the container.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_NANOSECONDS 100000000L
#define ANSWER_MS 60000 /* a loaded machine */
#define MOST_CHECKS 32

static const struct check *const all[] = {
    &memory_check, &threads_check, &forks_check, &orphan_check, &shm_check, &sysv_check, &devshm_check, &unix_check, &tcp_check, &listen_check,
    &pipes_check, &events_check, &timers_check, &files_check, &append_check, &unlinked_check, &identity_check, &terminal_check, &readonly_check, &bind_check,
    &serve_check, &join_check, &between_check, &shared_check, &talk_check,
};
#define ALL (sizeof all / sizeof *all)

static uint64_t count, errors, verifications;
static volatile sig_atomic_t asked, stopping;

uint64_t current_count(void) { return count; }
uint64_t errors_so_far(void) { return errors; }

static void on_signal(int number)
{
    if (number == SIGUSR1)
        asked++;
    else
        stopping = number;
}

static void print(const char *prefix, const char *format, va_list list, const char *suffix)
{
    char line[512];
    int length = snprintf(line, sizeof line, "%s", prefix);
    length += vsnprintf(line + length, sizeof line - length - 1, format, list);
    if (length > (int)sizeof line - 130)
        length = (int)sizeof line - 130;
    length += snprintf(line + length, sizeof line - length, "%s\n", suffix);
    for (int done = 0; done < length;) {
        ssize_t written = write(STDOUT_FILENO, line + done, length - done);
        if (written < 0 && errno != EINTR)
            _exit(90); /* nobody reads our log any more */
        done += written > 0 ? written : 0;
    }
}

void say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    print("", format, list, "");
    va_end(list);
}

void fail(const char *format, ...)
{
    va_list list;
    errors++;
    va_start(list, format);
    print("FAILED ", format, list, "");
    va_end(list);
}

void die(const char *format, ...)
{
    char why[128];
    snprintf(why, sizeof why, ": %s", strerror(errno));
    va_list list;
    va_start(list, format);
    print("FAILED ", format, list, why);
    va_end(list);
    _exit(91);
}

void pattern_fill(void *place, size_t length, uint64_t seed)
{
    uint64_t *words = place;
    for (size_t i = 0; i < length / sizeof *words; i++)
        words[i] = (i + 1) * 0x9e3779b97f4a7c15u ^ seed;
}

bool pattern_holds(const void *place, size_t length, uint64_t seed)
{
    const uint64_t *words = place;
    for (size_t i = 0; i < length / sizeof *words; i++)
        if (words[i] != ((i + 1) * 0x9e3779b97f4a7c15u ^ seed))
            return false;
    return true;
}

static long long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static bool wait_for(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};
    /* Timers interrupt us all the time. */
    long long end = milliseconds() + ANSWER_MS, left;
    int ready = -1;
    while ((left = end - milliseconds()) > 0 && (ready = poll(&one, 1, (int)left)) < 0 && errno == EINTR)
        ;
    return ready == 1;
}

bool send_all(int fd, const void *data, size_t length)
{
    for (size_t done = 0; done < length;) {
        if (!wait_for(fd, POLLOUT))
            return false;
        ssize_t some = write(fd, (const char *)data + done, length - done);
        if (some <= 0 && errno != EINTR && errno != EAGAIN)
            return false;
        done += some > 0 ? some : 0;
    }
    return true;
}

bool receive_all(int fd, void *data, size_t length)
{
    for (size_t done = 0; done < length;) {
        if (!wait_for(fd, POLLIN))
            return false;
        ssize_t some = read(fd, (char *)data + done, length - done);
        if (some == 0 || (some < 0 && errno != EINTR && errno != EAGAIN))
            return false;
        done += some > 0 ? some : 0;
    }
    return true;
}

void must_carry(const char *name, int from, int to)
{
    uint64_t sent = 0x51ed270b27d4eb2fu ^ (count + verifications), got = 0;
    if (!send_all(from, &sent, sizeof sent) || !receive_all(to, &got, sizeof got))
        fail("%s: nothing comes through: %s", name, strerror(errno));
    else if (got != sent)
        fail("%s: sent %llx, got %llx", name, (unsigned long long)sent, (unsigned long long)got);
}

static const struct check *find(const char *name, size_t length)
{
    for (size_t i = 0; i < ALL; i++)
        if (strlen(all[i]->name) == length && memcmp(all[i]->name, name, length) == 0)
            return all[i];
    fprintf(stderr, "workload: no check named %s\n", name);
    exit(2);
}

/* Orphans come to a PID 1; nobody else here waits for anything but its own children by number. */
static void reap_strangers(void)
{
    siginfo_t info = {0};
    if (getpid() == 1 && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0)
        fail("child %d ended with %d", info.si_pid, info.si_status), waitpid(info.si_pid, NULL, WNOHANG);
}

static int show(const char *path)
{
    char block[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = -1;
    while (fd >= 0 && (length = read(fd, block, sizeof block)) > 0)
        if (!send_all(STDOUT_FILENO, block, length))
            return 1;
    if (length < 0)
        perror(path);
    return length < 0;
}

int main(int argc, char **argv)
{
    const struct check *chosen[MOST_CHECKS];
    int checks = 0, code = 0;
    bool quiet = false;
    struct sigaction action = {.sa_handler = on_signal};
    if (argc == 2 && strcmp(argv[1], "ls") == 0) {
        for (size_t i = 0; i < ALL; i++)
            puts(all[i]->name);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "cat") == 0)
        return show(argv[2]);

    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--code") == 0 && i + 1 < argc) {
            code = atoi(argv[++i]);
        } else if (strcmp(argv[i], "--quiet") == 0) {
            quiet = true;
        } else if (checks < MOST_CHECKS) {
            const char *value = strchr(argv[i], '=');
            chosen[checks] = find(argv[i], value ? (size_t)(value - argv[i]) : strlen(argv[i]));
            chosen[checks++]->begin(value ? value + 1 : NULL);
        }
    }

    say("ready %d", getpid());
    uint64_t answered = 0;
    while (!stopping) {
        nanosleep(&(struct timespec){.tv_nsec = TICK_NANOSECONDS}, NULL);
        count++;
        for (int i = 0; i < checks; i++)
            if (chosen[i]->tick)
                chosen[i]->tick(count);
        reap_strangers();
        if (!quiet)
            say("tick %llu errors %llu", (unsigned long long)count, (unsigned long long)errors);
        if (answered != (uint64_t)asked) {
            answered = asked;
            verifications++;
            for (int i = 0; i < checks; i++)
                chosen[i]->verify();
            say("verified %llu errors %llu", (unsigned long long)verifications, (unsigned long long)errors);
        }
    }

    say("stopping");
    return code;
}
