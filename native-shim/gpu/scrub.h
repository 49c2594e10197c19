#pragma once

// Removes every variable that changes which driver is loaded, which GPUs it sees, or what is printed: a process
// that is checkpointed must be handled with all of its GPUs visible. When the loader has already obeyed one of them
// the program is executed once more without it (`arguments` as main() got them). -1 with failure().
int scrub_environment(char **arguments);
