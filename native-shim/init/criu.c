#include "init/criu.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"
#include "init/cgroups.h"
#include "init/signals.h"

enum { INHERIT_TEXT_MAX = MAP_KEY_LONGEST + 24 }; // "fd[NUMBER]:KEY"

static const size_t no_restore_word = (size_t)-1;

// The place after the word "restore", where CRIU takes its options.
static size_t find_options(const struct restore_options *options)
{
    for (size_t i = 1; i < options->command_count; i++) {
        if (strcmp(options->command[i], "restore") == 0) {
            return i + 1;
        }
    }
    return no_restore_word;
}

int criu_check(const struct restore_options *options)
{
    if (access(options->command[0], X_OK) < 0) {
        return fail("cannot run %.256s: %m", options->command[0]);
    }
    if (find_options(options) == no_restore_word) {
        return fail("the command has no word \"restore\" after its name");
    }
    return 0;
}

static char **build_arguments(const struct restore_options *options)
{
    static char inherit[MAPS_MOST][INHERIT_TEXT_MAX];
    static char inherit_option[] = "--inherit-fd";
    char **arguments = calloc(options->command_count + 2 * options->map_count + 1, sizeof *arguments);
    if (arguments == NULL) {
        fail("no memory for CRIU's command line: %m");
        return NULL;
    }
    size_t at = 0;
    size_t options_start = find_options(options);
    for (size_t i = 0; i < options_start; i++) {
        arguments[at++] = options->command[i];
    }
    for (size_t i = 0; i < options->map_count; i++) {
        snprintf(inherit[i], sizeof inherit[i], "fd[%d]:%s", options->maps[i].fd, options->maps[i].key);
        arguments[at++] = inherit_option;
        arguments[at++] = inherit[i];
    }
    for (size_t i = options_start; i < options->command_count; i++) {
        arguments[at++] = options->command[i];
    }
    return arguments;
}

static bool lies_in_tmp(const char *text)
{
    static const char tmp[] = "/tmp/";
    for (const char *at = text == NULL ? NULL : strstr(text, tmp); at != NULL; at = strstr(at + 1, tmp)) {
        if (at == text || at[-1] == ':' || at[-1] == '=') {
            return true;
        }
    }
    return false;
}

// CRIU makes directories in /tmp, which a CRIU that is killed leaves behind: it gets a /tmp of its own, unless something that
// it needs lies in ours.
static int make_own_tmp(const struct restore_options *options)
{
    bool needed = lies_in_tmp(options->stage) || lies_in_tmp(getenv("CHECKPOINTER_HOOK_SOCKET"));
    for (size_t i = 0; !needed && i < options->command_count; i++) {
        needed = lies_in_tmp(options->command[i]);
    }
    if (!needed && mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0) {
        return fail("cannot mount a tmpfs at /tmp: %m");
    }
    return 0;
}

static int enter_placeholder(const struct restore_options *options)
{
    if (options->into == 0) {
        return 0;
    }
    if (cgroups_join(options->cgroups, options->cgroup_count) < 0
        || target_enter(&options->target, options->stage, options->takes, options->take_count) < 0) {
        return -1;
    }
    return make_own_tmp(options);
}

_Noreturn static void become_criu(const struct restore_options *options, char **arguments, int output)
{
    (void)setsid();
    // Standard input is /dev/null already.
    int prepared = fd_give(output, STDOUT_FILENO);
    if (prepared == 0) {
        prepared = fd_give(output, STDERR_FILENO);
    }
    if (prepared == 0) {
        prepared = enter_placeholder(options);
    }
    for (size_t i = 0; prepared == 0 && i < options->map_count; i++) {
        prepared = fd_give(options->maps[i].fd, options->maps[i].fd);
    }
    if (prepared == 0) {
        signals_restore_for_child();
        execv(arguments[0], arguments);
        fail("cannot run %.256s: %m", arguments[0]);
    }
    report("%s", failure());
    _exit(127);
}

pid_t criu_start(const struct restore_options *options, int output)
{
    char **arguments = build_arguments(options);
    if (arguments == NULL) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_criu(options, arguments, output);
    }
    if (pid < 0) {
        fail("cannot fork for CRIU: %m");
    }
    free(arguments);
    return pid;
}
