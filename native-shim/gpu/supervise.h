#pragma once

// Reads requests from standard input and answers on standard output until standard input ends. The driver is
// called in a child that is killed when a request's deadline passes: the answer is then "error unknown", because
// nobody can say what the call did. Returns the exit code.
int supervise(const char *library);
