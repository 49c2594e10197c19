#pragma once

// What a container's processes have besides memory and files: kinds named by one letter each (contained_more.c).

// Makes what the letters name. Ends the process with a line when it cannot.
void more_open(const char *kinds);

// Uses all of it; `number` counts up by one. Ends the process with a line when something is not as it was.
void more_check(int number);

// Ends the process with code 4 and a line unless it holds.
void require(int holds, const char *what);
