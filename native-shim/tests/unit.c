// Tests of the parts that need no process. Each check names itself when it fails.

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/failure.h"
#include "common/fd.h"
#include "common/text.h"
#include "common/unix_path.h"
#include "init/ending.h"
#include "init/endings.h"
#include "init/maps.h"
#include "init/options.h"

static int failures;

static void check(bool holds, const char *text, int line)
{
    if (!holds) {
        fprintf(stderr, "line %d: %s\n", line, text);
        failures++;
    }
}

#define CHECK(condition) check((condition), #condition, __LINE__)

static void numbers_are_whole_decimal_and_in_range(void)
{
    int64_t number = 7;
    CHECK(text_parse_number("0", 0, 9, &number) && number == 0);
    CHECK(text_parse_number("4194304", 1, 4194304, &number) && number == 4194304);
    CHECK(text_parse_number("007", 0, 9, &number) && number == 7);
    const char *bad[] = { "", " 1", "1 ", "+1", "-1", "0x1", "1.0", "10", "99999999999999999999999999", "9223372036854775808" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!text_parse_number(bad[i], 0, 9, &number));
    }
    CHECK(number == 7);
}

static void seconds_have_at_most_three_decimals(void)
{
    int64_t milliseconds = 0;
    CHECK(text_parse_seconds("90", 100, &milliseconds) && milliseconds == 90000);
    CHECK(text_parse_seconds("0.5", 100, &milliseconds) && milliseconds == 500);
    CHECK(text_parse_seconds("1.25", 100, &milliseconds) && milliseconds == 1250);
    CHECK(text_parse_seconds("0.001", 100, &milliseconds) && milliseconds == 1);
    const char *bad[] = { "", "0", "0.0", ".5", "1.", "1.0001", "101", "-1", "1,5", "1s", "123456789012345678901", "1.-1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!text_parse_seconds(bad[i], 100, &milliseconds));
    }
}

static void words_hold_nothing_that_separates(void)
{
    CHECK(text_is_word("20260101-ab_C.d:e", 64));
    CHECK(text_is_word("abcd", 4));
    CHECK(!text_is_word("abcde", 4));
    CHECK(!text_is_word("", 4));
    CHECK(!text_is_word("a b", 4));
    CHECK(!text_is_word("a\n", 4));
    CHECK(!text_is_word("a/b", 4));
    CHECK(!text_is_word("\xc3\xa4", 4));
}

static void foreign_text_cannot_forge_lines(void)
{
    char text[] = "a\nb\x1b[0m\x7f\xc3\xa4";
    text_make_printable(text);
    CHECK(strcmp(text, "a?b?[0m?\xc3\xa4") == 0);
    char long_text[2000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    CHECK(fail("%s\n", long_text) == -1);
    CHECK(strlen(failure()) == FAILURE_MAX - 1);
}

static void maps_are_parsed_at_the_first_equals_sign(void)
{
    struct map map;
    CHECK(map_parse("pipe:[12]=log", &map) == 0 && map.kind == MAP_LOG && strcmp(map.key, "pipe:[12]") == 0);
    CHECK(map_parse("tty[8800:2d]=pty", &map) == 0 && map.kind == MAP_PTY && map.fd == -1 && map.source == -1);
    CHECK(map_parse("a=null-r", &map) == 0 && map.kind == MAP_NULL_READ);
    CHECK(map_parse("a=null-w", &map) == 0 && map.kind == MAP_NULL_WRITE);
    CHECK(map_parse("file[1:2]=file-r:/a=b", &map) == 0 && map.kind == MAP_FILE_READ && strcmp(map.path, "/a=b") == 0);
    CHECK(map_parse("a=file-w:/x", &map) == 0 && map.kind == MAP_FILE_WRITE && strcmp(map.path, "/x") == 0);
    CHECK(map_parse("a=file-rw:/x", &map) == 0 && map.kind == MAP_FILE_BOTH && strcmp(map.path, "/x") == 0);
    CHECK(map_parse("socket:[3]=fd:12", &map) == 0 && map.kind == MAP_FD && map.given == 12);
    const char *bad[] = { "", "a", "=log", "a=", "a=LOG", "a=file-r:", "a=file-r:x", "a=file-rw:x", "a=file-x:/x", "a=fd:", "a=fd:x", "a=fd:99999999" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(map_parse(bad[i], &map) < 0);
    }
}

static void endings_are_told_like_shells_do(void)
{
    char line[ENDING_TEXT_MAX];
    struct ending exited = ending_of_status(42 << 8);
    CHECK(ending_line(exited, line) == 10 && strcmp(line, "exited 42\n") == 0 && ending_code(exited) == 42);
    struct ending signalled = ending_of_status(64);
    CHECK(ending_line(signalled, line) == 13 && strcmp(line, "signalled 64\n") == 0 && ending_code(signalled) == 192);
    struct ending dumped = ending_of_status(6 | 0x80);
    CHECK(dumped.kind == ENDING_SIGNALLED && dumped.value == 6);
}

static void socket_paths_of_every_length_have_an_address(void)
{
    struct sockaddr_un address;
    int directory;
    char path[200] = "/tmp/";
    memset(path + 5, 'n', 102); // 107 characters: the longest that fits
    CHECK(unix_path_address(path, &address, &directory) == 0 && directory == -1 && strcmp(address.sun_path, path) == 0);
    path[107] = 'n';
    CHECK(unix_path_address(path, &address, &directory) < 0 && directory == -1);
    memset(path, '/', 120);
    strcpy(path + 120, "tmp/name");
    CHECK(unix_path_address(path, &address, &directory) == 0 && directory >= 0);
    CHECK(strncmp(address.sun_path, "/proc/self/fd/", 14) == 0 && strcmp(strrchr(address.sun_path, '/'), "/name") == 0);
    fd_close(&directory);
    CHECK(directory == -1);
    CHECK(unix_path_address("", &address, &directory) < 0);
}

static void restore_options_are_kept_apart_from_the_command(void)
{
    static struct restore_options options;
    char *arguments[] = { "--operation=o", "--state", "/s", "--pid-namespace", "--last-pid", "300", "--deadline=1.5",
                          "--map", "a=log", "--cgroup-procs", "/c", "--", "/criu", "restore", "--state", "x" };
    CHECK(restore_options_parse(sizeof arguments / sizeof arguments[0], arguments, &options) == 0);
    CHECK(strcmp(options.state, "/s") == 0 && options.pid_namespace && options.last_pid == 300 && options.deadline_ms == 1500);
    CHECK(options.map_count == 1 && options.cgroup_count == 1 && options.command_count == 4);
    CHECK(strcmp(options.command[0], "/criu") == 0);
}

static void takes_are_parsed_at_the_last_equals_sign(void)
{
    struct take take;
    CHECK(take_parse("/=root", &take) == 0 && strcmp(take.path, "/") == 0 && strcmp(take.name, "root") == 0 && take.tree == -1);
    CHECK(take_parse("/a=b/c d=m1", &take) == 0 && strcmp(take.path, "/a=b/c d") == 0 && strcmp(take.name, "m1") == 0);
    const char *bad[] = { "", "=x", "a=x", "/a", "/a=", "/a=/", "/a=b/c", "/a=.", "/a=..", "/a=.x", "/a=x y" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(take_parse(bad[i], &take) < 0);
    }
}

static void hold_options_need_a_command_only_for_a_cold_start(void)
{
    struct hold_options options;
    char *plain[] = { "--deadline", "2.5" };
    CHECK(hold_options_parse(2, plain, &options) == 0 && options.deadline_ms == 2500 && options.command == NULL && !options.cold_start);
    char *cold[] = { "--cold-start", "--", "sleep", "--deadline", "x" };
    CHECK(hold_options_parse(5, cold, &options) == 0 && options.cold_start && strcmp(options.command[2], "x") == 0);
    CHECK(hold_options_parse(2, cold, &options) < 0);
    CHECK(hold_options_parse(0, cold, &options) == 0 && options.deadline_ms == 600000);
}

static void endings_are_found_from_the_newest_on(void)
{
    static struct endings endings;
    CHECK(endings_find(&endings, 7) == NULL);
    for (int pid = 1; pid <= ENDINGS_MOST + 3; pid++) {
        endings_add(&endings, pid, ending_of_status(pid << 8));
    }
    CHECK(endings_find(&endings, 3) == NULL && endings_find(&endings, 4)->value == 4);
    endings_add(&endings, 40, ending_of_status(9 << 8));
    CHECK(endings_find(&endings, 40)->value == 9);
}

static void descriptors_that_are_kept_survive(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    int kept[] = { dup2(ends[0], 40), dup2(ends[0], 50) };
    int lost = dup2(ends[0], 45);
    CHECK(fd_close_all_but(STDERR_FILENO + 1, kept, 2) == 0);
    CHECK(fd_set_nonblocking(40, 0) == 0 && fd_set_nonblocking(50, 0) == 0);
    CHECK(fd_set_nonblocking(lost, 0) < 0 && fd_set_nonblocking(ends[0], 0) < 0);
    CHECK(fd_close_all_but(STDERR_FILENO + 1, &lost, 1) < 0);
}

int main(void)
{
    report_as("unit");
    numbers_are_whole_decimal_and_in_range();
    seconds_have_at_most_three_decimals();
    words_hold_nothing_that_separates();
    foreign_text_cannot_forge_lines();
    maps_are_parsed_at_the_first_equals_sign();
    endings_are_told_like_shells_do();
    socket_paths_of_every_length_have_an_address();
    restore_options_are_kept_apart_from_the_command();
    takes_are_parsed_at_the_last_equals_sign();
    hold_options_need_a_command_only_for_a_cold_start();
    endings_are_found_from_the_newest_on();
    descriptors_that_are_kept_survive();
    return failures == 0 ? 0 : 1;
}
