#pragma once

#include <stddef.h>

enum { ENDING_TEXT_MAX = 32 }; // bytes of "signalled 64\n" and the like

// How a process ended.
enum ending_kind { ENDING_NONE, ENDING_EXITED, ENDING_SIGNALLED };

struct ending {
    enum ending_kind kind;
    int value; // exit code or signal number
};

struct ending ending_of_status(int wait_status);

// "exited <code>\n" or "signalled <n>\n": the line that clients get and that the exit file holds. Its length.
size_t ending_line(struct ending ending, char text[ENDING_TEXT_MAX]);

// The exit code, or 128 + signal, as shells say it.
int ending_code(struct ending ending);
