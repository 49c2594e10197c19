#include "init/options.h"

#include <string.h>

#include "common/failure.h"
#include "common/text.h"

enum {
    COMMAND_MOST = 4096,                 // words of CRIU's command line
    START_DEADLINE_DEFAULT_MS = 60000,   // the engine sends `start` at once; a minute is a dead engine
    HOLD_DEADLINE_DEFAULT_MS = 600000,   // an engine may have to fetch a snapshot first
    DEADLINE_MOST_SECONDS = 86400,
    PID_MOST = 4194304,                  // the kernel's PID_MAX_LIMIT
};

// Walks "--name value" and "--name=value" words up to "--".
struct cursor {
    int count;
    char **words;
    int at;
    const char *inline_value;
};

static bool is_option(struct cursor *cursor, const char *name)
{
    const char *word = cursor->words[cursor->at];
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0) {
        return false;
    }
    if (word[length] != '\0' && word[length] != '=') {
        return false;
    }
    cursor->inline_value = word[length] == '=' ? word + length + 1 : NULL;
    return true;
}

static const char *take_value(struct cursor *cursor, const char *name)
{
    const char *value = cursor->inline_value;
    if (value == NULL && cursor->at + 1 < cursor->count) {
        value = cursor->words[++cursor->at];
    }
    if (value == NULL || *value == '\0') {
        fail("%s needs a value", name);
        return NULL;
    }
    return value;
}

static int take_number(struct cursor *cursor, const char *name, int64_t least, int64_t most, int64_t *number)
{
    const char *value = take_value(cursor, name);
    if (value == NULL) {
        return -1;
    }
    if (!text_parse_number(value, least, most, number)) {
        return fail("%s: not a number from %lld to %lld: %s", name, (long long)least, (long long)most, value);
    }
    return 0;
}

static int take_seconds(struct cursor *cursor, const char *name, int64_t *milliseconds)
{
    const char *value = take_value(cursor, name);
    if (value == NULL) {
        return -1;
    }
    return text_parse_seconds(value, DEADLINE_MOST_SECONDS, milliseconds) ? 0 : fail("%s: not a number of seconds: %s", name, value);
}

static int take_command(struct cursor *cursor, char ***command, size_t *count)
{
    int left = cursor->count - cursor->at - 1;
    if (left < 1) {
        return fail("no command after --");
    }
    if (left > COMMAND_MOST) {
        return fail("the command has more than %d words", COMMAND_MOST);
    }
    *command = cursor->words + cursor->at + 1;
    *count = (size_t)left;
    if (strchr(**command, '/') == NULL) {
        return fail("the command must be a path, PATH is not searched: %s", **command);
    }
    return 0;
}

static int take_pid(struct cursor *cursor, const char *name, int *pid)
{
    int64_t number;
    if (take_number(cursor, name, 1, PID_MOST, &number) < 0) {
        return -1;
    }
    *pid = (int)number;
    return 0;
}

static int take_operation(struct cursor *cursor, const char **operation)
{
    *operation = take_value(cursor, "--operation");
    if (*operation == NULL) {
        return -1;
    }
    return text_is_word(*operation, OPERATION_LONGEST) ? 0 : fail("--operation: not an operation id");
}

static int parse_into_option(struct cursor *cursor, struct restore_options *options)
{
    if (is_option(cursor, "--into")) {
        return take_pid(cursor, "--into", &options->into);
    }
    if (is_option(cursor, "--stage")) {
        options->stage = take_value(cursor, "--stage");
        if (options->stage == NULL) {
            return -1;
        }
        return options->stage[0] == '/' ? 0 : fail("--stage: not an absolute path: %s", options->stage);
    }
    if (is_option(cursor, "--take")) {
        const char *value = take_value(cursor, "--take");
        if (value == NULL) {
            return -1;
        }
        if (options->take_count == TAKES_MOST) {
            return fail("more than %d --take", TAKES_MOST);
        }
        return take_parse(value, &options->takes[options->take_count++]);
    }
    return fail("unknown option: %s", cursor->words[cursor->at]);
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

static int parse_restore_option(struct cursor *cursor, struct restore_options *options)
{
    const char *value;
    if (is_option(cursor, "--operation")) {
        return take_operation(cursor, &options->operation);
    }
    if (is_option(cursor, "--state")) {
        options->state = take_value(cursor, "--state");
        if (options->state == NULL) {
            return -1;
        }
        return options->state[0] == '/' ? 0 : fail("--state: not an absolute path: %s", options->state);
    }
    if (is_option(cursor, "--pid-namespace")) {
        options->pid_namespace = true;
        return cursor->inline_value == NULL ? 0 : fail("--pid-namespace takes no value");
    }
    if (is_option(cursor, "--last-pid")) {
        return take_number(cursor, "--last-pid", 1, PID_MOST - 1, &options->last_pid);
    }
    if (is_option(cursor, "--cgroup-procs")) {
        value = take_value(cursor, "--cgroup-procs");
        if (value == NULL) {
            return -1;
        }
        if (options->cgroup_count == CGROUPS_MOST) {
            return fail("more than %d --cgroup-procs", CGROUPS_MOST);
        }
        options->cgroups[options->cgroup_count++] = value;
        return 0;
    }
    if (is_option(cursor, "--deadline")) {
        return take_seconds(cursor, "--deadline", &options->deadline_ms);
    }
    if (is_option(cursor, "--map")) {
        value = take_value(cursor, "--map");
        if (value == NULL) {
            return -1;
        }
        if (options->map_count == MAPS_MOST) {
            return fail("more than %d --map", MAPS_MOST);
        }
        return map_parse(value, &options->maps[options->map_count++]);
    }
    return parse_into_option(cursor, options);
}

int restore_options_parse(int count, char **arguments, struct restore_options *options)
{
    *options = (struct restore_options){ .last_pid = -1, .deadline_ms = START_DEADLINE_DEFAULT_MS };
    struct cursor cursor = { .count = count, .words = arguments };
    for (; cursor.at < count; cursor.at++) {
        if (strcmp(arguments[cursor.at], "--") == 0) {
            break;
        }
        if (parse_restore_option(&cursor, options) < 0) {
            return -1;
        }
    }
    if (check_restore(options) < 0) {
        return -1;
    }
    return take_command(&cursor, &options->command, &options->command_count);
}

int enter_options_parse(int count, char **arguments, struct enter_options *options)
{
    *options = (struct enter_options){ 0 };
    struct cursor cursor = { .count = count, .words = arguments };
    for (; cursor.at < count; cursor.at++) {
        if (strcmp(arguments[cursor.at], "--") == 0) {
            break;
        }
        if (!is_option(&cursor, "--pid")) {
            return fail("unknown option: %s", arguments[cursor.at]);
        }
        if (take_pid(&cursor, "--pid", &options->pid) < 0) {
            return -1;
        }
    }
    if (options->pid == 0) {
        return fail("--pid is missing");
    }
    size_t words;
    return take_command(&cursor, &options->command, &words);
}

int detach_options_parse(int count, char **arguments, char ***command)
{
    if (count > 0 && strcmp(arguments[0], "--") != 0) {
        return fail("unknown option: %s", arguments[0]);
    }
    struct cursor cursor = { .count = count, .words = arguments };
    size_t words;
    return take_command(&cursor, command, &words);
}

int hold_options_parse(int count, char **arguments, struct hold_options *options)
{
    *options = (struct hold_options){ .deadline_ms = HOLD_DEADLINE_DEFAULT_MS };
    struct cursor cursor = { .count = count, .words = arguments };
    for (; cursor.at < count && strcmp(arguments[cursor.at], "--") != 0; cursor.at++) {
        if (is_option(&cursor, "--deadline")) {
            if (take_seconds(&cursor, "--deadline", &options->deadline_ms) < 0) {
                return -1;
            }
        } else if (strcmp(arguments[cursor.at], "--cold-start") == 0) {
            options->cold_start = true;
        } else {
            return fail("unknown option: %s", arguments[cursor.at]);
        }
    }
    if (cursor.at + 1 < count) {
        options->command = arguments + cursor.at + 1; // PATH is searched, as a runtime would do
    }
    return options->cold_start && options->command == NULL ? fail("--cold-start needs a command") : 0;
}

int clear_options_parse(int count, char **arguments, struct clear_options *options)
{
    *options = (struct clear_options){ 0 };
    struct cursor cursor = { .count = count, .words = arguments };
    for (; cursor.at < count; cursor.at++) {
        int taken = is_option(&cursor, "--into")        ? take_pid(&cursor, "--into", &options->into)
                    : is_option(&cursor, "--operation") ? take_operation(&cursor, &options->operation)
                                                        : fail("unknown option: %s", arguments[cursor.at]);
        if (taken < 0) {
            return -1;
        }
    }
    if (options->into == 0) {
        return fail("--into is missing");
    }
    return options->operation == NULL ? fail("--operation is missing") : 0;
}
