#pragma once

#include <stdint.h>

// What CRIU and the engine told the hook by environment, checked.
struct hook_request {
    const char *socket_path;
    const char *token;     // 32 hexadecimal digits: the engine's proof that the question is its own operation's
    const char *operation;
    const char *action;    // post-dump or post-restore
    const char *init_pid;  // digits, or "-" when CRIU names none
    int64_t deadline_ms;   // how long an answer is waited for
};

// Whether this action asks for the engine's word; all others pass at once.
int hook_action_asks(const char *action);

// Reads the environment. -1 names the variable that is missing or wrong.
int hook_request_read(struct hook_request *request);
