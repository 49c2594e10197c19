#include "init/options.h"

#include <string.h>

#include "common/failure.h"
#include "init/words.h"

enum { HOLD_DEADLINE_DEFAULT_MS = 600000 }; // an engine may have to fetch a snapshot first

int enter_options_parse(int count, char **arguments, struct enter_options *options)
{
    *options = (struct enter_options){ 0 };
    struct words words = { .count = count, .list = arguments };
    for (; words.at < count; words.at++) {
        if (strcmp(arguments[words.at], "--") == 0) {
            break;
        }
        if (!words_is(&words, "--pid")) {
            return fail("unknown option: %s", arguments[words.at]);
        }
        if (words_pid(&words, "--pid", &options->pid) < 0) {
            return -1;
        }
    }
    if (options->pid == 0) {
        return fail("--pid is missing");
    }
    size_t word_count;
    return words_command(&words, &options->command, &word_count);
}

int detach_options_parse(int count, char **arguments, char ***command)
{
    if (count > 0 && strcmp(arguments[0], "--") != 0) {
        return fail("unknown option: %s", arguments[0]);
    }
    struct words words = { .count = count, .list = arguments };
    size_t word_count;
    return words_command(&words, command, &word_count);
}

int hold_options_parse(int count, char **arguments, struct hold_options *options)
{
    *options = (struct hold_options){ .deadline_ms = HOLD_DEADLINE_DEFAULT_MS };
    struct words words = { .count = count, .list = arguments };
    for (; words.at < count && strcmp(arguments[words.at], "--") != 0; words.at++) {
        if (words_is(&words, "--deadline")) {
            if (words_seconds(&words, "--deadline", &options->deadline_ms) < 0) {
                return -1;
            }
        } else if (strcmp(arguments[words.at], "--cold-start") == 0) {
            options->cold_start = true;
        } else {
            return fail("unknown option: %s", arguments[words.at]);
        }
    }
    if (words.at + 1 < count) {
        options->command = arguments + words.at + 1; // PATH is searched, as a runtime would do
    }
    return options->cold_start && options->command == NULL ? fail("--cold-start needs a command") : 0;
}

int clear_options_parse(int count, char **arguments, struct clear_options *options)
{
    *options = (struct clear_options){ 0 };
    struct words words = { .count = count, .list = arguments };
    for (; words.at < count; words.at++) {
        int taken;
        if (words_is(&words, "--into")) {
            taken = words_pid(&words, "--into", &options->into);
        } else if (words_is(&words, "--operation")) {
            taken = words_operation(&words, &options->operation);
        } else {
            taken = fail("unknown option: %s", arguments[words.at]);
        }
        if (taken < 0) {
            return -1;
        }
    }
    if (options->into == 0) {
        return fail("--into is missing");
    }
    return options->operation == NULL ? fail("--operation is missing") : 0;
}

int guard_options_parse(int count, char **arguments, struct guard_options *options)
{
    *options = (struct guard_options){ 0 };
    struct words words = { .count = count, .list = arguments };
    for (; words.at < count; words.at++) {
        if (words_is(&words, "--operation")) {
            if (words_operation(&words, &options->operation) < 0) {
                return -1;
            }
            continue;
        }
        if (!words_is(&words, "--freezer")) {
            return fail("unknown option: %s", arguments[words.at]);
        }
        const char *path = words_value(&words, "--freezer");
        if (path == NULL) {
            return -1;
        }
        if (path[0] != '/') {
            return fail("--freezer: not an absolute path: %s", path);
        }
        if (options->freezer_count == FREEZERS_MOST) {
            return fail("more than %d --freezer", FREEZERS_MOST);
        }
        options->freezers[options->freezer_count++] = path;
    }
    if (options->operation == NULL) {
        return fail("--operation is missing");
    }
    return options->freezer_count == 0 ? fail("--freezer is missing") : 0;
}
