#include "common/clock.h"

#include <time.h>

enum { LONGEST_WAIT_MS = 3600 * 1000 }; // poll() takes an int; whoever waits longer asks again

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int left_ms(int64_t deadline)
{
    int64_t left = deadline - now_ms();
    if (left <= 0) {
        return 0;
    }
    return left < LONGEST_WAIT_MS ? (int)left : LONGEST_WAIT_MS;
}
