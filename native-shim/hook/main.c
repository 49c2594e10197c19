// checkpointer-hook: the action script that CRIU runs. It passes every action at once but two: in
// post-dump (the tasks are frozen, the image is complete) and post-restore (the tasks are built but do
// not run) it asks the engine, and only the engine's "go" lets CRIU go on. Everything unexpected is a
// no, because a no leaves the workload as it was: CRIU thaws after a dump, and kills what it built in a
// restore.

#include <stdlib.h>

#include "common/failure.h"
#include "hook/exchange.h"
#include "hook/request.h"

int main(void)
{
    report_as("checkpointer-hook");
    const char *action = getenv("CRTOOLS_SCRIPT_ACTION");
    if (action == NULL || !hook_action_asks(action)) {
        return 0;
    }
    struct hook_request request;
    if (hook_request_read(&request) < 0 || hook_exchange(&request) < 0) {
        report("%s refused: %s", action, failure());
        return 1;
    }
    return 0;
}
