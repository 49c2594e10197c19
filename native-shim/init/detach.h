#pragma once

// Runs a command in a session of its own, in place of this process, so that its pid stays. Signals of a terminal (Ctrl-C) then
// reach the engine, which rolls back, and not CRIU, which would die in the middle. Returns only on failure: an exit code.
int detach(char **command);
