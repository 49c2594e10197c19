#include "init/ending.h"

#include <stdio.h>
#include <sys/wait.h>

struct ending ending_of_status(int wait_status)
{
    if (WIFSIGNALED(wait_status)) {
        return (struct ending){ ENDING_SIGNALLED, WTERMSIG(wait_status) };
    }
    return (struct ending){ ENDING_EXITED, WEXITSTATUS(wait_status) };
}

size_t ending_line(struct ending ending, char text[ENDING_TEXT_MAX])
{
    const char *word = ending.kind == ENDING_SIGNALLED ? "signalled" : "exited";
    return (size_t)snprintf(text, ENDING_TEXT_MAX, "%s %d\n", word, ending.value);
}

int ending_code(struct ending ending)
{
    return ending.kind == ENDING_SIGNALLED ? 128 + ending.value : ending.value;
}
