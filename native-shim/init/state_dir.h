#pragma once

#include "init/ending.h"
#include "init/output_log.h"

// The directory of one restored tree. Everything in it is reached through the opened directory, so the
// owner goes on when somebody renames or removes it.
struct state_dir {
    int directory;
    int listener;    // bound to init.sock, not yet listening
    int log;         // init.log, locked for as long as the owner lives
    struct output_log output;
    int criu_output; // criu.err
};

// Opens and checks the directory (ours, nobody else's), takes its lock, opens its files, binds the socket.
int state_dir_open(const char *path, struct state_dir *state);

// The pid that CRIU wrote as restored.pid, or -1.
int state_dir_read_restored_pid(const struct state_dir *state);

// Writes the file "exit" (temporary and rename: a reader sees all of it or nothing).
int state_dir_write_exit(const struct state_dir *state, struct ending ending);

// Removes the socket's name, best effort: nobody listens any more.
void state_dir_remove_socket(const struct state_dir *state);
