#pragma once

#include <stddef.h>

enum {
    MAPS_MOST = 64,       // descriptors given to CRIU; a tree has three standard ones and few others outside
    MAP_KEY_LONGEST = 255,
    MAP_FD_BASE = 100,    // CRIU wants inherited descriptors out of the way of its own low numbers
};

enum map_kind { MAP_LOG, MAP_PTY, MAP_NULL_READ, MAP_NULL_WRITE, MAP_FILE_READ, MAP_FILE_WRITE, MAP_FILE_BOTH, MAP_FD };

// One end of the tree that lay outside of it, and what takes its place: CRIU gets the descriptor by
// `--inherit-fd fd[N]:KEY`.
struct map {
    char key[MAP_KEY_LONGEST + 1];
    enum map_kind kind;
    const char *path; // of MAP_FILE_*
    int given;        // of MAP_FD: the launcher's descriptor
    int fd;           // what CRIU gets, from MAP_FD_BASE on, close-on-exec in this process
    int source;       // of MAP_LOG and MAP_PTY: the end that the owner reads, non-blocking; else -1
};

// Parses KEY=SPEC.
int map_parse(const char *text, struct map *map);

// Opens every map. All `log` maps share one pipe, so that the order of lines is the order of writes; only
// the first of them has a source.
int maps_open(struct map *maps, size_t count);

// Closes the tree's ends once CRIU has them: the owner must see the end of a pipe that only the tree
// writes. A pty's slave stays open: the tree may close its terminal and open it again by name, and a
// master without any slave would only give errors meanwhile.
void maps_close_tree_ends(struct map *maps, size_t count);
