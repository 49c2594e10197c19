#include "init/commands.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/failure.h"
#include "common/text.h"
#include "init/owner.h"

enum { ANSWER_MAX = FAILURE_MAX + 32 }; // bytes: "error " and a failure, or a status

static void send_failure(struct client *client)
{
    char answer[ANSWER_MAX];
    snprintf(answer, sizeof answer, "error %s\n", failure());
    client_send(client, answer);
}

static void start(struct owner *owner, struct client *client)
{
    if (owner_start(owner) < 0) {
        send_failure(client);
        return;
    }
    client->starter = true;
}

static void status(const struct owner *owner, struct client *client)
{
    char answer[ANSWER_MAX];
    char ended[ENDING_TEXT_MAX];
    switch (owner->phase) {
    case OWNER_WAITING:
        snprintf(answer, sizeof answer, "status %s\n", owner->abandoning ? "abandoned" : "waiting");
        break;
    case OWNER_RESTORING:
        snprintf(answer, sizeof answer, "status %s\n", owner->abandoning ? "abandoned" : "restoring");
        break;
    case OWNER_RUNNING:
        snprintf(answer, sizeof answer, "status running %d\n", (int)owner->root);
        break;
    case OWNER_OVER:
        (void)ending_line(owner->root_ending, ended);
        snprintf(answer, sizeof answer, "status %s", ended);
        break;
    }
    client_send(client, answer);
}

static void send_signal(struct owner *owner, struct client *client, const char *number)
{
    int64_t signal_number;
    if (!text_parse_number(number, 1, SIGRTMAX, &signal_number)) {
        client_send(client, "error not a signal number\n");
    } else if (owner_signal(owner, (int)signal_number) < 0) {
        send_failure(client);
    } else {
        client_send(client, "ok\n");
    }
}

static void wait_for_end(const struct owner *owner, struct client *client)
{
    if (owner->phase != OWNER_OVER) {
        client->waiting = true; // everybody who is connected hears of the end
        return;
    }
    char line[ENDING_TEXT_MAX];
    (void)ending_line(owner->root_ending, line);
    client_send(client, line);
}

void commands_handle(void *context, struct client *client, const char *line)
{
    struct owner *owner = context;
    if (strcmp(line, "start") == 0) {
        start(owner, client);
    } else if (strcmp(line, "status") == 0) {
        status(owner, client);
    } else if (strcmp(line, "wait") == 0) {
        wait_for_end(owner, client);
    } else if (strncmp(line, "signal ", 7) == 0) {
        send_signal(owner, client, line + 7);
    } else if (strcmp(line, "abandon") == 0) {
        owner_abandon(owner, "a client asked for it");
    } else {
        client_send(client, "error unknown command\n");
    }
}
