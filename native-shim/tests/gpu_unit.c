// Tests of the GPU worker's parts that need no driver. Each check names itself when it fails.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/failure.h"
#include "gpu/json.h"
#include "gpu/request.h"
#include "gpu/target.h"
#include "gpu/uuid.h"

#define UUID_A "GPU-00112233-4455-6677-8899-aabbccddeeff"
#define UUID_B "GPU-ffffffff-0000-1111-2222-333333333333"

static int failures;

static void check(bool holds, const char *text, int line)
{
    if (!holds) {
        fprintf(stderr, "line %d: %s\n", line, text);
        failures++;
    }
}

#define CHECK(condition) check((condition), #condition, __LINE__)

static struct request request;

static int parse(const char *text)
{
    static char line[REQUEST_LINE_MOST + 64];
    snprintf(line, sizeof line, "%s", text);
    return request_parse(line, &request);
}

static void ids_are_bytes_in_the_order_of_their_text(void)
{
    struct cuda_uuid uuid;
    CHECK(uuid_parse(UUID_A, &uuid));
    for (int i = 0; i < 16; i++) {
        CHECK(uuid.bytes[i] == i * 0x11);
    }
    char text[UUID_TEXT];
    uuid_print(&uuid, text);
    CHECK(strcmp(text, UUID_A) == 0);
    CHECK(uuid_parse("MIG-00112233-4455-6677-8899-AABBCCDDEEFF", &uuid) && uuid.bytes[15] == 0xff);
    const char *bad[] = { "", "GPU-", "00112233-4455-6677-8899-aabbccddeeff", UUID_A "0", "GPU-0011223-34455-6677-8899-aabbccddeeff",
                          "GPU-00112233-4455-6677-8899-aabbccddeef", "GPU-00112233-4455-6677-8899-aabbccddeefg", "gpu-00112233-4455-6677-8899-aabbccddeeff" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!uuid_parse(bad[i], &uuid));
    }
}

static void every_verb_is_understood(void)
{
    CHECK(parse("1 1000 hello") == 0 && request.verb == VERB_HELLO && request.deadline_ms == 1000);
    CHECK(parse("1 1000 devices") == 0 && request.verb == VERB_DEVICES);
    CHECK(parse("7 1 probe 5 99") == 0 && request.verb == VERB_PROBE && request.pid == 5 && request.start_time == 99);
    CHECK(parse("7 1 state 5 99") == 0 && request.verb == VERB_STATE);
    CHECK(parse("7 1 lock 5 99 250") == 0 && request.verb == VERB_LOCK && request.timeout_ms == 250);
    CHECK(parse("7 1 checkpoint 5 99") == 0 && request.verb == VERB_CHECKPOINT);
    CHECK(parse("7 1 restore 5 99 -") == 0 && request.verb == VERB_RESTORE && request.pair_count == 0);
    CHECK(parse("7 1 unlock 5 99") == 0 && request.verb == VERB_UNLOCK && strcmp(request.id, "7") == 0);
}

static void maps_of_gpus_are_pairs(void)
{
    CHECK(parse("1 1 restore 5 9 " UUID_A "=" UUID_B "," UUID_B "=" UUID_A) == 0 && request.pair_count == 2);
    CHECK(request.pairs[0].from.bytes[1] == 0x11 && request.pairs[0].to.bytes[0] == 0xff && request.pairs[1].to.bytes[15] == 0xff);
    static char line[REQUEST_LINE_MOST];
    size_t length = (size_t)sprintf(line, "1 1 restore 5 9 ");
    for (int i = 0; i < REQUEST_PAIRS_MOST; i++) {
        length += (size_t)sprintf(line + length, "%s" UUID_A "=" UUID_B, i == 0 ? "" : ",");
    }
    CHECK(parse(line) == 0 && request.pair_count == REQUEST_PAIRS_MOST);
    strcat(line, "," UUID_A "=" UUID_B);
    CHECK(parse(line) < 0);
}

static void what_is_not_a_request_is_refused(void)
{
    const char *bad[] = { "", "1", "1 2", "1 0 hello", "1 x hello", "1 99999999999 hello", "1 1 hello 5", "1 1 nothing", "1 1 state 5",
                          "1 1 state 0 1", "1 1 state 4194305 1", "1 1 state -1 1", "1 1 state 5 x", "1 1 lock 5 1 0", "1 1 lock 5 1",
                          "1 1 restore 5 1", "1 1 restore 5 1 x", "1 1 restore 5 1 x=y", "1 1 restore 5 1 " UUID_A, "1 1 restore 5 1 ,",
                          "1 1 unlock 5 1 2", "1 1 a b c d e", "a/b 1 hello", "123456789012345678901 1 hello" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(parse(bad[i]) < 0);
    }
    CHECK(parse("42 1 nothing") < 0 && strcmp(request.id, "42") == 0);
}

static int64_t own_start_time(void)
{
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    char *at = strrchr(text, ')') + 2;
    for (int field = 3; field < 22; field++) {
        at = strchr(at, ' ') + 1;
    }
    return strtoll(at, NULL, 10);
}

static void another_process_with_the_same_pid_is_noticed(void)
{
    int64_t start = own_start_time();
    CHECK(start > 0);
    CHECK(target_check(getpid(), start) == 0);
    CHECK(target_check(getpid(), start + 1) < 0 && strstr(failure(), "another one") != NULL);
    CHECK(target_check(4194303, 1) < 0);
}

static void json_is_escaped_and_never_cut_silently(void)
{
    char text[96];
    struct json json = { .text = text, .size = sizeof text };
    json_begin(&json, '{', NULL);
    json_string(&json, "a", "x\"\\\n\xe4");
    json_begin(&json, '[', "b");
    json_bool(&json, NULL, true);
    json_bool(&json, NULL, false);
    json_end(&json, ']');
    json_number(&json, "c", 18446744073709551615ULL);
    json_end(&json, '}');
    CHECK(!json.overflown && strcmp(text, "{\"a\":\"x\\\"\\\\\\u000a\\u00e4\",\"b\":[true,false],\"c\":18446744073709551615}") == 0);
    struct json small = { .text = text, .size = 8 };
    json_begin(&small, '{', NULL);
    json_string(&small, "name", "value");
    CHECK(small.overflown && small.length < 8);
}

int main(void)
{
    report_as("gpu-unit");
    ids_are_bytes_in_the_order_of_their_text();
    every_verb_is_understood();
    maps_of_gpus_are_pairs();
    what_is_not_a_request_is_refused();
    another_process_with_the_same_pid_is_noticed();
    json_is_escaped_and_never_cut_silently();
    return failures == 0 ? 0 : 1;
}
