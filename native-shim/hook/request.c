#include "hook/request.h"

#include <stdlib.h>
#include <string.h>

#include "common/failure.h"
#include "common/text.h"

enum {
    TOKEN_LENGTH = 32,               // 128 bits in hexadecimal
    OPERATION_LONGEST = 64,          // characters of an operation's id
    DEADLINE_MOST_SECONDS = 86400,   // a day: whoever freezes a workload longer has made a mistake
    PID_MOST = 4194304,              // the kernel's PID_MAX_LIMIT
};

int hook_action_asks(const char *action)
{
    return strcmp(action, "post-dump") == 0 || strcmp(action, "post-restore") == 0;
}

static const char *require(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL || *value == '\0') {
        fail("the variable %s is missing", name);
        return NULL;
    }
    return value;
}

int hook_request_read(struct hook_request *request)
{
    request->action = require("CRTOOLS_SCRIPT_ACTION");
    if (request->action == NULL) {
        return -1;
    }
    request->socket_path = require("CHECKPOINTER_HOOK_SOCKET");
    if (request->socket_path == NULL) {
        return -1;
    }
    request->token = require("CHECKPOINTER_HOOK_TOKEN");
    if (request->token == NULL) {
        return -1;
    }
    if (strlen(request->token) != TOKEN_LENGTH || strspn(request->token, "0123456789abcdefABCDEF") != TOKEN_LENGTH) {
        return fail("the variable CHECKPOINTER_HOOK_TOKEN is not %d hexadecimal digits", TOKEN_LENGTH);
    }
    request->operation = require("CHECKPOINTER_HOOK_OPERATION");
    if (request->operation == NULL) {
        return -1;
    }
    if (!text_is_word(request->operation, OPERATION_LONGEST)) {
        return fail("the variable CHECKPOINTER_HOOK_OPERATION is not an operation id");
    }
    const char *deadline = require("CHECKPOINTER_HOOK_DEADLINE");
    if (deadline == NULL) {
        return -1;
    }
    if (!text_parse_seconds(deadline, DEADLINE_MOST_SECONDS, &request->deadline_ms)) {
        return fail("the variable CHECKPOINTER_HOOK_DEADLINE is not a number of seconds");
    }
    const char *pid = getenv("CRTOOLS_INIT_PID");
    int64_t number;
    if (pid == NULL || *pid == '\0') {
        request->init_pid = "-";
    } else if (text_parse_number(pid, 1, PID_MOST, &number)) {
        request->init_pid = pid;
    } else {
        return fail("the variable CRTOOLS_INIT_PID is not a pid");
    }
    return 0;
}
