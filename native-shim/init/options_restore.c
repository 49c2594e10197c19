#include "init/options.h"

#include <string.h>

#include "common/failure.h"
#include "init/words.h"

enum {
    START_DEADLINE_DEFAULT_MS = 60000, // the engine sends `start` at once; a minute is a dead engine
    PID_MOST = 4194304,                // the kernel's PID_MAX_LIMIT
};

static int parse_into_option(struct words *words, struct restore_options *options)
{
    if (words_is(words, "--into")) {
        return words_pid(words, "--into", &options->into);
    }
    if (words_is(words, "--stage")) {
        options->stage = words_value(words, "--stage");
        if (options->stage == NULL) {
            return -1;
        }
        return options->stage[0] == '/' ? 0 : fail("--stage: not an absolute path: %s", options->stage);
    }
    if (words_is(words, "--take")) {
        const char *value = words_value(words, "--take");
        if (value == NULL) {
            return -1;
        }
        if (options->take_count == TAKES_MOST) {
            return fail("more than %d --take", TAKES_MOST);
        }
        return take_parse(value, &options->takes[options->take_count++]);
    }
    return fail("unknown option: %s", words->list[words->at]);
}

// What cannot go together.
static int check_restore(const struct restore_options *options)
{
    if (options->operation == NULL) {
        return fail("--operation is missing");
    }
    if (options->state == NULL) {
        return fail("--state is missing");
    }
    if (options->into != 0 && options->pid_namespace) {
        return fail("--into and --pid-namespace exclude each other");
    }
    if (options->last_pid >= 0 && !options->pid_namespace && options->into == 0) {
        return fail("--last-pid needs --pid-namespace or --into");
    }
    if (options->stage != NULL && options->into == 0) {
        return fail("--stage needs --into");
    }
    if (options->take_count > 0 && options->stage == NULL) {
        return fail("--take needs --stage");
    }
    for (size_t i = 0; options->into != 0 && i < options->map_count; i++) {
        if (options->maps[i].kind == MAP_LOG || options->maps[i].kind == MAP_PTY) {
            return fail("--into takes no log and no pty: nobody would read them after the restore");
        }
    }
    return 0;
}

static int parse_restore_option(struct words *words, struct restore_options *options)
{
    const char *value;
    if (words_is(words, "--operation")) {
        return words_operation(words, &options->operation);
    }
    if (words_is(words, "--state")) {
        options->state = words_value(words, "--state");
        if (options->state == NULL) {
            return -1;
        }
        return options->state[0] == '/' ? 0 : fail("--state: not an absolute path: %s", options->state);
    }
    if (words_is(words, "--pid-namespace")) {
        options->pid_namespace = true;
        return words->inline_value == NULL ? 0 : fail("--pid-namespace takes no value");
    }
    if (words_is(words, "--last-pid")) {
        return words_number(words, "--last-pid", 1, PID_MOST - 1, &options->last_pid);
    }
    if (words_is(words, "--cgroup-procs")) {
        value = words_value(words, "--cgroup-procs");
        if (value == NULL) {
            return -1;
        }
        if (options->cgroup_count == CGROUPS_MOST) {
            return fail("more than %d --cgroup-procs", CGROUPS_MOST);
        }
        options->cgroups[options->cgroup_count++] = value;
        return 0;
    }
    if (words_is(words, "--deadline")) {
        return words_seconds(words, "--deadline", &options->deadline_ms);
    }
    if (words_is(words, "--map")) {
        value = words_value(words, "--map");
        if (value == NULL) {
            return -1;
        }
        if (options->map_count == MAPS_MOST) {
            return fail("more than %d --map", MAPS_MOST);
        }
        return map_parse(value, &options->maps[options->map_count++]);
    }
    return parse_into_option(words, options);
}

int restore_options_parse(int count, char **arguments, struct restore_options *options)
{
    *options = (struct restore_options){ .last_pid = -1, .deadline_ms = START_DEADLINE_DEFAULT_MS };
    struct words words = { .count = count, .list = arguments };
    for (; words.at < count; words.at++) {
        if (strcmp(arguments[words.at], "--") == 0) {
            break;
        }
        if (parse_restore_option(&words, options) < 0) {
            return -1;
        }
    }
    if (check_restore(options) < 0) {
        return -1;
    }
    return words_command(&words, &options->command, &options->command_count);
}
