#pragma once

enum { DETACH_FAILED = 125 };

// Becomes the command, in a session of its own: a terminal's Ctrl-C or hang-up then reaches whoever
// started it, and not the command in the middle of its work. Returns only on failure, with what to exit with.
int detach(char **command);
