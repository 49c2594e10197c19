// A workload for the container tests: PID 1 of its container, with threads, memory, files on every kind of mount that it is
// told of, and a mapped file in /dev/shm. Ten times a second it checks all of it and says "count N". SIGTERM ends it with code 42.
//     contained [-KINDS] [FILE]...        (kinds: contained_more.c)

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contained_more.h"

enum { MEMORY = 4 << 20, SHARED = 65536, THREADS = 2, FILES_MOST = 16 };

static volatile sig_atomic_t noticed;
static volatile sig_atomic_t ended;
static atomic_long ticks[THREADS];

static void notice(int number)
{
    // Apart: what is said of one must not forget that the other came.
    if (number == SIGTERM) {
        ended = 1;
    } else {
        noticed = number;
    }
}

static void *tick(void *counter)
{
    for (;;) {
        (void)poll(NULL, 0, 20);
        atomic_fetch_add((atomic_long *)counter, 1);
    }
    return NULL;
}

static void say(const char *word, int number)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s %d\n", word, number);
    if (write(STDOUT_FILENO, line, (size_t)length) != length) {
        _exit(3);
    }
}

static unsigned char *map_shared(void)
{
    int fd = open("/dev/shm/counter", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    require(fd >= 0 && ftruncate(fd, SHARED) == 0, "no /dev/shm");
    unsigned char *shared = mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    require(shared != MAP_FAILED, "no shared memory");
    close(fd);
    return shared;
}

static void check_memory(const unsigned char *memory, unsigned char seed)
{
    for (size_t i = 0; i < MEMORY; i += 512) {
        require(memory[i] == (unsigned char)(seed + i / 512), "the memory has changed");
    }
}

int main(int count, char **arguments)
{
    int files[FILES_MOST];
    int file_count = 0;
    int first = count > 1 && arguments[1][0] == '-' ? 2 : 1;
    for (int i = first; i < count && file_count < FILES_MOST; i++) {
        files[file_count] = open(arguments[i], O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        require(files[file_count++] >= 0, arguments[i]);
    }
    unsigned char *memory = malloc(MEMORY);
    require(memory != NULL, "no memory");
    for (size_t i = 0; i < MEMORY; i++) {
        memory[i] = (unsigned char)(7 + i / 512);
    }
    unsigned char *shared = map_shared();
    more_open(first == 2 ? arguments[1] : "");
    pthread_t thread;
    for (int i = 0; i < THREADS; i++) {
        require(pthread_create(&thread, NULL, tick, &ticks[i]) == 0, "no thread");
    }
    static const int numbers[] = { SIGTERM, SIGUSR1, SIGHUP };
    struct sigaction action = { .sa_handler = notice };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaction(numbers[i], &action, NULL);
    }
    for (int number = 0;; number++) {
        check_memory(memory, 7);
        require(shared[0] == (unsigned char)number, "the shared memory has changed");
        shared[0]++;
        for (int i = 0; i < file_count; i++) {
            struct stat found;
            require(dprintf(files[i], "%d\n", number) > 0 && fstat(files[i], &found) == 0 && found.st_nlink == 1, "a file is gone");
        }
        more_check(number);
        say("count", number);
        long before = atomic_load(&ticks[0]) + atomic_load(&ticks[1]);
        (void)poll(NULL, 0, 100);
        while (atomic_load(&ticks[0]) + atomic_load(&ticks[1]) == before) {
            (void)poll(NULL, 0, 10); // a thread that does not run any more hangs us: the test says so
        }
        if (ended != 0) {
            return 42;
        }
        if (noticed != 0) {
            int number_noticed = noticed;
            noticed = 0;
            say("signal", number_noticed);
        }
    }
}
