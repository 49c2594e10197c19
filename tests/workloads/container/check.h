/* A workload for containers: it does many things at once, checks each of them, and notices when it is hurt. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thing that the workload does. Each function reports by fail() and goes on. */
struct check {
    const char *name;
    /* Called once; argument is what follows '=' on the command line, or NULL. */
    void (*begin)(const char *argument);
    /* Called ten times a second; must be quick. May be NULL. */
    void (*tick)(uint64_t count);
    /* Called on SIGUSR1: looks at everything, within some seconds. */
    void (*verify)(void);
};

extern const struct check memory_check, threads_check, forks_check, orphan_check, shm_check, sysv_check, devshm_check, unix_check, tcp_check, listen_check,
    pipes_check, events_check, timers_check, files_check, append_check, unlinked_check, identity_check, terminal_check, readonly_check, bind_check,
    serve_check, join_check, between_check, shared_check, talk_check;

/* Counts an error and prints "FAILED ...". */
__attribute__((format(printf, 1, 2))) void fail(const char *format, ...);

/* As fail(), with errno, and ends the program: nothing can be checked without it. */
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...);

/* A line on stdout, written whole. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

uint64_t current_count(void);
uint64_t errors_so_far(void);

/* Bytes that nobody else writes by accident: a function of seed and place. */
void pattern_fill(void *place, size_t length, uint64_t seed);
bool pattern_holds(const void *place, size_t length, uint64_t seed);

/* Whole transfers with a deadline; false: it did not come, or was cut short. */
bool send_all(int fd, const void *data, size_t length);
bool receive_all(int fd, void *data, size_t length);

/* Sends a question through one descriptor, waits for the right answer at the other. */
void must_carry(const char *name, int from, int to);

#endif
