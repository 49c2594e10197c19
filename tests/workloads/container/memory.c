/* memory=MIB: private memory, all of it known, some of it changing. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_MIB 16
#define PAGE 4096u
#define UNSEEN 0xfeedu

static unsigned char *place;
static size_t length;
/* What each page was filled with; it is memory to be kept right as well. */
static uint64_t *seeds;

static void begin(const char *argument)
{
    length = (size_t)(argument ? atoi(argument) : DEFAULT_MIB) << 20;
    place = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    seeds = calloc(length / PAGE, sizeof *seeds);
    if (place == MAP_FAILED || !seeds)
        die("memory: no %zu bytes", length);
    /* A quarter stays zero, a quarter is never touched. */
    for (size_t page = 0; page < length / PAGE / 2; page++) {
        seeds[page] = page + UNSEEN;
        pattern_fill(place + page * PAGE, PAGE, seeds[page]);
    }
    memset(place + length / 2, 0, length / 4);
}

static void tick(uint64_t count)
{
    size_t page = count * 7919 % (length / PAGE / 2);
    if (!pattern_holds(place + page * PAGE, PAGE, seeds[page]))
        fail("memory: page %zu is not what was written", page);
    seeds[page] = count << 20 | page;
    pattern_fill(place + page * PAGE, PAGE, seeds[page]);
}

static void verify(void)
{
    for (size_t page = 0; page < length / PAGE / 2; page++)
        if (!pattern_holds(place + page * PAGE, PAGE, seeds[page]))
            fail("memory: page %zu is not what was written", page);
    for (size_t i = length / 2; i < length; i++)
        if (place[i] != 0) {
            fail("memory: byte %zu is not zero", i);
            return;
        }
}

const struct check memory_check = {"memory", begin, tick, verify};
