#include "gpu/request.h"

#include <stdbool.h>
#include <string.h>

#include "common/failure.h"
#include "common/text.h"
#include "gpu/uuid.h"

enum {
    DEADLINE_MOST_MS = 86400 * 1000, // a day
    PID_MOST = 4194304,              // the kernel's PID_MAX_LIMIT
    WORDS_MOST = 6,
};

static const struct {
    const char *name;
    int words; // after the verb
} verbs[] = {
    [VERB_HELLO] = { "hello", 0 },   [VERB_DEVICES] = { "devices", 0 },
    [VERB_PROBE] = { "probe", 2 },   [VERB_STATE] = { "state", 2 },
    [VERB_LOCK] = { "lock", 3 },     [VERB_CHECKPOINT] = { "checkpoint", 2 },
    [VERB_RESTORE] = { "restore", 3 }, [VERB_UNLOCK] = { "unlock", 2 },
};

const char *verb_name(enum verb verb)
{
    return verbs[verb].name;
}

static int find_verb(const char *name, struct request *request)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            request->verb = (enum verb)i;
            return 0;
        }
    }
    return fail("no such verb: %.32s", name);
}

// "OLD=NEW,OLD=NEW", or "-" for the same GPUs.
static int parse_pairs(char *text, struct request *request)
{
    if (strcmp(text, "-") == 0) {
        return 0;
    }
    char *state = NULL;
    for (char *pair = strtok_r(text, ",", &state); pair != NULL; pair = strtok_r(NULL, ",", &state)) {
        if (request->pair_count == REQUEST_PAIRS_MOST) {
            return fail("more than %d pairs of GPUs", REQUEST_PAIRS_MOST);
        }
        char *equals = strchr(pair, '=');
        if (equals == NULL) {
            return fail("not a pair of GPUs: %.96s", pair);
        }
        *equals = '\0';
        struct cuda_gpu_pair *parsed = &request->pairs[request->pair_count++];
        if (!uuid_parse(pair, &parsed->from) || !uuid_parse(equals + 1, &parsed->to)) {
            return fail("not a pair of GPUs: %.48s, %.48s", pair, equals + 1);
        }
    }
    return request->pair_count > 0 ? 0 : fail("the map of GPUs is empty; - stands for none");
}

int request_parse(char *line, struct request *request)
{
    memset(request, 0, sizeof *request);
    strcpy(request->id, "-");
    char *words[WORDS_MOST];
    int count = 0;
    char *state = NULL;
    for (char *word = strtok_r(line, " ", &state); word != NULL; word = strtok_r(NULL, " ", &state)) {
        if (count == WORDS_MOST) {
            return fail("too many words");
        }
        words[count++] = word;
    }
    if (count < 3) {
        return fail("a request is: ID DEADLINE_MS VERB [PID START_TIME [ARGUMENT]]");
    }
    if (!text_is_word(words[0], REQUEST_ID_LONGEST)) {
        return fail("the request's id is not a word of up to %d characters", REQUEST_ID_LONGEST);
    }
    strcpy(request->id, words[0]);
    if (!text_parse_number(words[1], 1, DEADLINE_MOST_MS, &request->deadline_ms)) {
        return fail("the deadline is not a number of milliseconds up to a day");
    }
    if (find_verb(words[2], request) < 0) {
        return -1;
    }
    if (count - 3 != verbs[request->verb].words) {
        return fail("%s takes %d words after it", words[2], verbs[request->verb].words);
    }
    if (count == 3) {
        return 0;
    }
    int64_t number;
    if (!text_parse_number(words[3], 1, PID_MOST, &number)) {
        return fail("not a pid: %.32s", words[3]);
    }
    request->pid = (int)number;
    if (!text_parse_number(words[4], 0, INT64_MAX - 1, &request->start_time)) {
        return fail("not a start time: %.32s", words[4]);
    }
    if (request->verb == VERB_LOCK) {
        if (!text_parse_number(words[5], 1, DEADLINE_MOST_MS, &number)) {
            return fail("the lock's timeout is not a number of milliseconds up to a day");
        }
        request->timeout_ms = (uint32_t)number;
    }
    return request->verb == VERB_RESTORE ? parse_pairs(words[5], request) : 0;
}
