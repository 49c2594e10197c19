// A workload for the tests: counts on standard output ten times a second, says when a signal arrives,
// ends with code 42 on SIGTERM. With an argument it also keeps that many children, which do nothing.

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t noticed;
static volatile sig_atomic_t ended;

static void notice(int number)
{
    // Apart: what is said of one must not forget that the other came.
    if (number == SIGTERM) {
        ended = 1;
    } else {
        noticed = number;
    }
}

static void say(const char *word, int number)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s %d\n", word, number);
    if (write(STDOUT_FILENO, line, (size_t)length) != length) {
        _exit(3); // nobody reads any more: the test is over
    }
}

int main(int count, char **arguments)
{
    for (int children = count > 1 ? atoi(arguments[1]) : 0; children > 0; children--) {
        if (fork() == 0) {
            for (;;) {
                pause();
            }
        }
    }
    static const int numbers[] = { SIGTERM, SIGUSR1, SIGHUP, SIGWINCH };
    struct sigaction action = { .sa_handler = notice };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaction(numbers[i], &action, NULL);
    }
    for (int number = 0;; number++) {
        say("count", number);
        (void)poll(NULL, 0, 100);
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
