#pragma once

#include "init/clients.h"

// Answers one line of a client; the context is the owner.
void commands_handle(void *context, struct client *client, const char *line);
