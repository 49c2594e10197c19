#include <stdio.h>
#include <string.h>

#include "node.h"

enum { FAULTS_MOST = 64, LOG_MOST = SIM_TEXT - 256 };

static struct fault {
    char call[24];
    bool after;
    enum sim_effect effect;
    uint64_t value;
    unsigned nth;     // the how manieth call of this name it hits
    unsigned seen;
    bool fired;
} faults[FAULTS_MOST];

static unsigned fault_count;
static char log_text[LOG_MOST];
static size_t log_length;

static const char *const effects[] = { "none", "error", "hang", "delay", "die", "kill", "failed", "value" };

static void note(const char *line)
{
    int length = snprintf(log_text + log_length, sizeof log_text - log_length, "%s\n", line);
    if (length > 0 && (size_t)length < sizeof log_text - log_length) {
        log_length += (size_t)length;
    }
}

// CALL before|after EFFECT [VALUE [NTH]]
bool fault_add(const char *text)
{
    char when[8];
    char effect[16];
    unsigned long long value = 0;
    unsigned nth = 1;
    struct fault fault = { .call = "" };
    if (sscanf(text, "%23s %7s %15s %llu %u", fault.call, when, effect, &value, &nth) < 3 || fault_count == FAULTS_MOST ||
        (strcmp(when, "before") != 0 && strcmp(when, "after") != 0)) {
        return false;
    }
    fault.after = strcmp(when, "after") == 0;
    fault.value = value;
    fault.nth = nth;
    for (size_t i = 1; i < sizeof effects / sizeof effects[0]; i++) {
        if (strcmp(effect, effects[i]) == 0) {
            fault.effect = (enum sim_effect)i;
            faults[fault_count++] = fault;
            return true;
        }
    }
    return false;
}

void fault_clear(void)
{
    fault_count = 0;
    log_length = 0;
    log_text[0] = '\0';
}

enum sim_effect fault_ask(const char *call, int pid, bool after, uint64_t *value)
{
    char line[128];
    snprintf(line, sizeof line, "%s %s %d", call, after ? "after" : "before", pid);
    note(line);
    for (unsigned i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];
        if (fault->after == after && strcmp(fault->call, call) == 0 && ++fault->seen == fault->nth) {
            fault->fired = true;
            snprintf(line, sizeof line, "fired %s %s %s %llu", call, after ? "after" : "before", effects[fault->effect],
                     (unsigned long long)fault->value);
            note(line);
            *value = fault->value;
            return fault->effect;
        }
    }
    return EFFECT_NONE;
}

void fault_log(char *text, size_t size)
{
    snprintf(text, size, "%s", log_text);
}

unsigned fault_fired(void)
{
    unsigned fired = 0;
    for (unsigned i = 0; i < fault_count; i++) {
        fired += faults[i].fired;
    }
    return fired;
}

unsigned fault_waiting(void)
{
    return fault_count - fault_fired();
}
