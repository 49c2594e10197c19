/* A process whose memory drifts: half random bytes, half program code, in runs of 64 KiB that take turns. For incremental checkpoints.
 *
 *   drift STATUS MIB [SEED] [CODE_FILE...]
 *
 * Rewrites STATUS in place, a line of fixed length, every 20 ms:
 *   count=N passes=N errors=N changes=N pages=N gap=SECONDS ready=0|1
 * SIGUSR1: check all memory now against its digest (passes grows). SIGUSR2: overwrite 5 % of the pages with random bytes, at random pages, in runs of 64 KiB.
 * SIGWINCH: insert 10,000 random pages before all the rest (both let changes grow). SIGHUP: forget gap, the longest time between two counts. SIGTERM: end with 42.
 * Without CODE_FILE the code is this program's own libraries. Between signals its memory stands still.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, RUN = 64 << 10, RUN_PAGES = RUN / PAGE, INSERTED = 10000, STOP_CODE = 42, CHANGED_PERCENT = 5, LINE = 160, CODE_MAX = 64 << 20, INSERTS_MAX = 16 };

static volatile sig_atomic_t check_wanted, change_wanted, insert_wanted, forget_wanted, stop_wanted;

static uint64_t random_state;

static uint64_t next_random(void) /* splitmix64 */
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void fill_random(unsigned char *memory, size_t length)
{
    for (size_t i = 0; i < length; i += sizeof(uint64_t)) {
        uint64_t word = next_random();
        memcpy(memory + i, &word, sizeof word);
    }
}

static uint64_t sum_of(const unsigned char *page)
{
    /* The address is part of it, so that pages that changed places are noticed. */
    uint64_t sum = 0x243f6a8885a308d3u ^ (uint64_t)(uintptr_t)page;
    for (size_t i = 0; i < PAGE; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, page + i, sizeof word);
        sum = (sum ^ word) * 0x9fb21c651e98df25u;
        sum ^= sum >> 32;
    }
    return sum;
}

static uint64_t sum_of_all(const unsigned char *memory, size_t pages)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < pages; i++) {
        sum += sum_of(memory + i * PAGE);
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
    switch (number) {
    case SIGUSR1: check_wanted = 1; break;
    case SIGUSR2: change_wanted = 1; break;
    case SIGWINCH: insert_wanted = 1; break;
    case SIGHUP: forget_wanted = 1; break;
    default: stop_wanted = 1; break;
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

static void fill_all(unsigned char *memory, size_t runs)
{
    for (size_t i = 0; i < runs; i++) {
        if (i % 2 == 0) {
            fill_random(memory + i * RUN, RUN);
        } else {
            /* Walks through the code; when all of it was used it comes again at other offsets. */
            size_t start = i / 2 * RUN % (code_size - RUN);
            memcpy(memory + i * RUN, code + (start & ~(size_t)15), RUN);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: drift STATUS MIB [SEED] [CODE_FILE...]\n");
        return 2;
    }
    size_t runs = (size_t)strtoull(argv[2], NULL, 10) * (1 << 20) / RUN;
    size_t room = (size_t)INSERTS_MAX * INSERTED * PAGE;
    random_state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    int status = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    code = mmap(NULL, CODE_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *place = mmap(NULL, room + runs * RUN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (status < 0 || code == MAP_FAILED || place == MAP_FAILED || runs == 0) {
        perror("drift");
        return 1;
    }
    unsigned char *memory = place + room;
    size_t pages = runs * RUN_PAGES;
    if (mprotect(memory, runs * RUN, PROT_READ | PROT_WRITE) != 0) {
        perror("drift");
        return 1;
    }
    for (int i = 4; i < argc; i++) {
        add_code(argv[i]);
    }
    if (code_size < 2 * RUN) {
        add_own_code();
    }
    if (code_size < 2 * RUN) {
        fprintf(stderr, "drift: no code to fill memory with\n");
        return 1;
    }
    struct sigaction action = {.sa_handler = on_signal};
    int handled[] = {SIGUSR1, SIGUSR2, SIGWINCH, SIGHUP, SIGTERM};
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
        sigaction(handled[i], &action, NULL);
    }

    fill_all(memory, runs);
    munmap(code, CODE_MAX);
    uint64_t digest = sum_of_all(memory, pages);

    unsigned long long count = 0, passes = 0, errors = 0, changes = 0;
    double last = now(), gap = 0;
    while (!stop_wanted) {
        if (check_wanted) {
            check_wanted = 0;
            errors += sum_of_all(memory, pages) != digest;
            passes++;
        }
        if (change_wanted) {
            change_wanted = 0;
            for (size_t i = 0; i < pages * CHANGED_PERCENT / 100 / RUN_PAGES; i++) {
                unsigned char *run = memory + next_random() % (pages - RUN_PAGES) * PAGE;
                digest -= sum_of_all(run, RUN_PAGES);
                fill_random(run, RUN);
                digest += sum_of_all(run, RUN_PAGES);
            }
            changes++;
        }
        if (insert_wanted) {
            insert_wanted = 0;
            unsigned char *first = memory - (size_t)INSERTED * PAGE;
            if (first < place || mprotect(first, (size_t)INSERTED * PAGE, PROT_READ | PROT_WRITE) != 0) {
                errors++;
            } else {
                memory = first;
                pages += INSERTED;
                fill_random(memory, (size_t)INSERTED * PAGE);
                digest += sum_of_all(memory, INSERTED);
            }
            changes++;
        }
        double t = now();
        gap = forget_wanted ? 0 : t - last > gap ? t - last : gap;
        forget_wanted = 0;
        last = t;
        count++;
        char line[LINE + 1];
        int length = snprintf(line, sizeof line, "count=%llu passes=%llu errors=%llu changes=%llu pages=%zu gap=%.3f ready=1", count, passes, errors, changes, pages, gap);
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
