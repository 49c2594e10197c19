/*
 * files: changes what the image brought: changes, deletes, adds, replaces, links; append: a log that grows at every tick;
 * unlinked: open files without a name; bind=PATH: a mounted directory, written to.
 * The image has /image/{changed,deleted,renamed,dir/a,dir/b,kept}, each holding "from the image\n".
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FROM_IMAGE "from the image\n"
#define WRITTEN "written by the workload\n"
#define SPARSE_AT (8 << 20)

static void put(const char *path, const char *text, int flags, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, mode);
    if (fd < 0 || !send_all(fd, text, strlen(text)))
        die("files: %s", path);
    close(fd);
}

static void must_hold(const char *path, const char *text)
{
    char got[128] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, got, sizeof got - 1);
    if (length < 0)
        fail("files: %s: %s", path, strerror(errno));
    else if (strcmp(got, text) != 0)
        fail("files: %s holds '%.40s'", path, got);
    close(fd);
}

static void must_be_gone(const char *path)
{
    if (access(path, F_OK) == 0 || errno != ENOENT)
        fail("files: %s is there", path);
}

static int open_added; /* open all the time, by name */

static void begin_files(const char *argument)
{
    (void)argument;
    put("/image/changed", WRITTEN, O_APPEND, 0);
    put("/image/added", WRITTEN, O_CREAT | O_EXCL, 0600);
    put("/image/sparse", "", O_CREAT | O_EXCL, 0644);
    int sparse = open("/image/sparse", O_WRONLY | O_CLOEXEC);
    if (unlink("/image/deleted") < 0 || rename("/image/renamed", "/image/moved") < 0 || unlink("/image/dir/a") < 0 || unlink("/image/dir/b") < 0 ||
        rmdir("/image/dir") < 0 || mkdir("/image/dir", 0750) < 0 || link("/image/added", "/image/dir/hard") < 0 ||
        symlink("../added", "/image/dir/soft") < 0 || chmod("/image/added", 0604) < 0 || pwrite(sparse, "end", 3, SPARSE_AT) != 3)
        die("files");
    close(sparse);
    if ((open_added = open("/image/added", O_RDWR | O_CLOEXEC)) < 0)
        die("files: open");
}

static void verify_files(void)
{
    struct stat entry, other;
    must_hold("/image/kept", FROM_IMAGE);
    must_hold("/image/changed", FROM_IMAGE WRITTEN);
    must_hold("/image/added", WRITTEN);
    must_hold("/image/moved", FROM_IMAGE);
    must_hold("/image/dir/soft", WRITTEN);
    must_be_gone("/image/deleted");
    must_be_gone("/image/renamed");
    must_be_gone("/image/dir/a");
    must_be_gone("/image/dir/b");
    if (stat("/image/added", &entry) < 0 || stat("/image/dir/hard", &other) < 0 || entry.st_ino != other.st_ino || entry.st_nlink != 2)
        fail("files: the hard link is none any more");
    else if ((entry.st_mode & 07777) != 0604)
        fail("files: mode %o", entry.st_mode);
    if (stat("/image/dir", &entry) < 0 || (entry.st_mode & 07777) != 0750)
        fail("files: directory mode %o", entry.st_mode);
    if (stat("/image/sparse", &entry) < 0 || entry.st_size != SPARSE_AT + 3 || entry.st_blocks * 512 > SPARSE_AT / 2)
        fail("files: the sparse file has %lld bytes in %lld blocks", (long long)entry.st_size, (long long)entry.st_blocks);
    if (fstat(open_added, &entry) < 0 || stat("/image/added", &other) < 0 || entry.st_ino != other.st_ino)
        fail("files: the open file is not the one of that name");
}

/* Every line of it was written once. */
#define LOG "/image/log"
static int log_fd;
static uint64_t lines;

static void begin_append(const char *argument)
{
    (void)argument;
    if ((log_fd = open(LOG, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)) < 0)
        die("append");
}

static void tick_append(uint64_t count)
{
    (void)count;
    if (dprintf(log_fd, "%8llu\n", (unsigned long long)++lines) != 9)
        fail("append: %s", strerror(errno));
}

static void verify_append(void)
{
    FILE *log = fopen(LOG, "re");
    unsigned long long expected = 0, got;
    if (!log) {
        fail("append: %s", strerror(errno));
        return;
    }
    while (fscanf(log, "%llu", &got) == 1)
        if (got != ++expected) {
            fail("append: line %llu says %llu", expected, got);
            break;
        }
    if (expected != lines)
        fail("append: %llu lines, %llu written", expected, (unsigned long long)lines);
    fclose(log);
}

static int nameless;
static unsigned char *mapped;
#define HELD (1u << 20)

static void begin_unlinked(const char *argument)
{
    (void)argument;
    nameless = open("/image/nameless", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (nameless < 0 || ftruncate(nameless, HELD) < 0)
        die("unlinked");
    mapped = mmap(NULL, HELD, PROT_READ | PROT_WRITE, MAP_SHARED, nameless, 0);
    if (mapped == MAP_FAILED || unlink("/image/nameless") < 0)
        die("unlinked: mmap");
    pattern_fill(mapped, HELD, 5);
}

static void verify_unlinked(void)
{
    uint64_t word = 0;
    struct stat entry;
    if (!pattern_holds(mapped, HELD, 5) || fstat(nameless, &entry) < 0 || entry.st_size != HELD || entry.st_nlink != 0)
        fail("unlinked: the mapping is not what was written");
    /* Mapping and descriptor are the same file. */
    mapped[0] ^= 1;
    if (pread(nameless, &word, sizeof word, 0) != sizeof word || memcmp(&word, mapped, sizeof word) != 0)
        fail("unlinked: descriptor and mapping are two files");
    mapped[0] ^= 1;
    must_be_gone("/image/nameless");
}

static char bound[256];
static int bound_fd;

static void begin_bind(const char *argument)
{
    snprintf(bound, sizeof bound, "%s/workload", argument ? argument : "/data");
    if ((bound_fd = open(bound, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) < 0)
        die("bind: %s", bound);
}

static void tick_bind(uint64_t count)
{
    if (dprintf(bound_fd, "%llu\n", (unsigned long long)count) < 0)
        fail("bind: %s", strerror(errno));
}

static void verify_bind(void)
{
    struct stat named, open;
    if (stat(bound, &named) < 0 || fstat(bound_fd, &open) < 0 || named.st_ino != open.st_ino || named.st_dev != open.st_dev)
        fail("bind: %s is another file than the open one", bound);
}

const struct check files_check = {"files", begin_files, NULL, verify_files};
const struct check append_check = {"append", begin_append, tick_append, verify_append};
const struct check unlinked_check = {"unlinked", begin_unlinked, NULL, verify_unlinked};
const struct check bind_check = {"bind", begin_bind, tick_bind, verify_bind};
