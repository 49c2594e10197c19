#include "init/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failure.h"
#include "common/fd.h"
#include "init/signals.h"

enum {
    CURE_MS = 60000,     // a CRIU whose engine has died cures its tree and ends within seconds; then nobody waits for it
    LOOK_MS = 50,        // between two looks whether there is one
    ENVIRON_MOST = 8192, // bytes of an environment; the one that CRIU gets has some hundred
    MARK_MOST = OPERATION_LONGEST + 32,
    PATH_TEXT_MAX = 300,
};

static const char *thawed_word(const char *path)
{
    const char *name = strrchr(path, '/') + 1; // absolute, as was checked
    if (strcmp(name, "freezer.state") == 0) {
        return "THAWED"; // version 1
    }
    return strcmp(name, "cgroup.freeze") == 0 ? "0" : NULL;
}

static int open_freezers(const struct guard_options *options, int *freezers)
{
    for (size_t i = 0; i < options->freezer_count; i++) {
        const char *path = options->freezers[i];
        if (thawed_word(path) == NULL) {
            return fail("%.256s is neither a freezer.state nor a cgroup.freeze", path);
        }
        freezers[i] = open(path, O_WRONLY | O_CLOEXEC);
        if (freezers[i] < 0) {
            return fail("cannot open %.256s: %m", path);
        }
    }
    return 0;
}

// Whether the process was started with this word in its environment.
static bool is_marked(const char *pid, const char *mark)
{
    static char environment[ENVIRON_MOST];
    char path[PATH_TEXT_MAX];
    snprintf(path, sizeof path, "/proc/%s/environ", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, environment, sizeof environment - 1);
    fd_close(&fd);
    if (length <= 0) {
        return false; // it has ended
    }
    environment[length] = '\0';
    for (const char *word = environment; word < environment + length; word += strlen(word) + 1) {
        if (strcmp(word, mark) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_criu_there(const char *mark)
{
    DIR *proc = opendir("/proc");
    if (proc == NULL) {
        return false;
    }
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(proc)) != NULL) {
        found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_marked(entry->d_name, mark);
    }
    closedir(proc);
    return found;
}

// CRIU leaves a cgroup that it found frozen as it found it: thawed before its end it would be frozen again. It and its hook know the
// operation by their environment. One that starts only now finds no engine, and ends before it touches anything.
static void await_criu(const char *operation)
{
    char mark[MARK_MOST];
    int64_t deadline = now_ms() + CURE_MS;
    snprintf(mark, sizeof mark, "CHECKPOINTER_HOOK_OPERATION=%s", operation);
    while (is_criu_there(mark) && left_ms(deadline) > 0) {
        (void)poll(NULL, 0, LOOK_MS);
    }
}

static void await_engine(void)
{
    char ignored[64];
    ssize_t length;
    do {
        length = read(STDIN_FILENO, ignored, sizeof ignored);
    } while (length > 0 || (length < 0 && errno == EINTR));
}

int guard(const struct guard_options *options)
{
    static int freezers[FREEZERS_MOST];
    static const char ready[] = "ready\n";
    (void)setsid(); // a Ctrl-C at the engine's terminal is for the engine
    if (signals_block() < 0 || open_freezers(options, freezers) < 0) {
        report("%s", failure());
        return GUARD_FAILED;
    }
    if (fd_write_all(STDOUT_FILENO, ready, sizeof ready - 1) < 0) {
        report("cannot say ready: %m");
        return GUARD_FAILED;
    }
    await_engine();
    await_criu(options->operation);
    for (size_t i = 0; i < options->freezer_count; i++) {
        const char *word = thawed_word(options->freezers[i]);
        // ENODEV: the cgroup is gone, and everybody in it.
        if (fd_write_all(freezers[i], word, strlen(word)) < 0 && errno != ENODEV) {
            report("cannot thaw %.256s: %m", options->freezers[i]);
        }
    }
    return 0;
}
