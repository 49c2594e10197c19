/* A process that is memory: half random, a quarter zeros that were written, a quarter program code, in runs of 64 KiB.
 *
 *   fill STATUS MIB [SEED] [CODE_FILE...]
 *
 * Checks one run after the other for ever and rewrites STATUS in place, a line of fixed length, every 20 ms:
 *   count=N passes=N errors=N gap=SECONDS digest=HEX ready=0|1
 * gap is the longest time between two counts since the start or the last SIGHUP. SIGUSR1: check all memory now (passes grows). SIGUSR2: replace 5 % of the
 * runs. SIGTERM: end with code 42. Without CODE_FILE the code is this program's own libraries.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RUN = 64 << 10, STOP_CODE = 42, CHANGED_PERCENT = 5, LINE = 128, CODE_MAX = 64 << 20 };

static volatile sig_atomic_t check_wanted, change_wanted, forget_wanted, stop_wanted;

static uint64_t random_state;

static uint64_t next_random(void) /* splitmix64 */
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t sum_of(const void *run)
{
    const uint64_t *words = run;
    uint64_t sum = 0x243f6a8885a308d3u;
    for (size_t i = 0; i < RUN / sizeof *words; i++) {
        sum = (sum ^ words[i]) * 0x9fb21c651e98df25u;
        sum ^= sum >> 32;
    }
    return sum;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t); /* a restore may give the process a monotonic clock that stood still */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_signal(int number)
{
    if (number == SIGUSR1) {
        check_wanted = 1;
    } else if (number == SIGUSR2) {
        change_wanted = 1;
    } else if (number == SIGHUP) {
        forget_wanted = 1;
    } else {
        stop_wanted = 1;
    }
}

static unsigned char *code;
static size_t code_size;

static void add_code(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    if (fd < 0) {
        return;
    }
    while (code_size < CODE_MAX && (got = read(fd, code + code_size, CODE_MAX - code_size)) > 0) {
        code_size += (size_t)got;
    }
    close(fd);
}

static void add_own_code(void)
{
    char line[4096], last[4096] = "";
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        char *path = strchr(line, '/');
        if (path == NULL) {
            continue;
        }
        path[strcspn(path, "\n")] = '\0';
        if (strcmp(path, last) != 0) {
            add_code(path);
            memcpy(last, path, strlen(path) + 1);
        }
    }
    if (maps != NULL) {
        fclose(maps);
    }
}

static void fill_run(unsigned char *run, size_t number, size_t turn)
{
    switch (number % 4) {
    case 2:
        memset(run, 0, RUN);
        break;
    case 3: {
        /* Walks through the code, so that no run comes twice before all of it was used. */
        size_t start = (number / 4 * RUN + turn * 4096) % (code_size - RUN);
        memcpy(run, code + (start & ~(size_t)15), RUN);
        break;
    }
    default:
        for (size_t i = 0; i < RUN; i += sizeof(uint64_t)) {
            uint64_t word = next_random();
            memcpy(run + i, &word, sizeof word);
        }
        break;
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: fill STATUS MIB [SEED] [CODE_FILE...]\n");
        return 2;
    }
    size_t runs = (size_t)strtoull(argv[2], NULL, 10) * (1 << 20) / RUN;
    random_state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    int status = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    code = mmap(NULL, CODE_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *memory = mmap(NULL, runs * RUN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t *sums = calloc(runs + 1, sizeof *sums);
    if (status < 0 || code == MAP_FAILED || memory == MAP_FAILED || sums == NULL || runs == 0) {
        perror("fill");
        return 1;
    }
    for (int i = 4; i < argc; i++) {
        add_code(argv[i]);
    }
    if (code_size < 2 * RUN) {
        add_own_code();
    }
    if (code_size < 2 * RUN) {
        fprintf(stderr, "fill: no code to fill memory with\n");
        return 1;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    uint64_t digest = 0;
    for (size_t i = 0; i < runs; i++) {
        fill_run(memory + i * RUN, i, 0);
        sums[i] = sum_of(memory + i * RUN);
        digest ^= sums[i] * (2 * i + 1);
    }
    munmap(code, CODE_MAX); /* SIGUSR2 replaces random runs by random runs */

    unsigned long long count = 0, passes = 0, errors = 0;
    size_t next = 0;
    double last = now(), gap = 0;
    while (!stop_wanted) {
        size_t some = check_wanted ? runs : 16; /* 16: 1 MiB at each count keeps the load low */
        check_wanted = 0;
        for (size_t i = 0; i < some; i++) {
            if (sum_of(memory + next * RUN) != sums[next]) {
                errors++;
            }
            if (++next == runs) {
                next = 0;
                passes++;
            }
        }
        if (change_wanted) {
            change_wanted = 0;
            for (size_t i = 0; i < runs * CHANGED_PERCENT / 100; i++) {
                size_t run = (size_t)(next_random() % runs) & ~(size_t)3;
                digest ^= sums[run] * (2 * run + 1);
                fill_run(memory + run * RUN, run, 0);
                sums[run] = sum_of(memory + run * RUN);
                digest ^= sums[run] * (2 * run + 1);
            }
        }
        double t = now();
        gap = forget_wanted ? 0 : t - last > gap ? t - last : gap;
        forget_wanted = 0;
        last = t;
        count++;
        char line[LINE + 1];
        int length = snprintf(line, sizeof line, "count=%llu passes=%llu errors=%llu gap=%.3f digest=%016llx ready=1",
            count, passes, errors, gap, (unsigned long long)digest);
        memset(line + length, ' ', (size_t)(LINE - length));
        line[LINE - 1] = '\n';
        if (pwrite(status, line, LINE, 0) != LINE) {
            errors++;
        }
        struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
        nanosleep(&pause, NULL);
    }
    return STOP_CODE;
}
