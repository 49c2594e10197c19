using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Tests.Criu;

public sealed class CriuLogTests
{
    // One line for each known failure, in the words of CRIU 4.2, with the code that a person gets for it.
    public static TheoryData<int, string, string> KnownLines => new()
    {
        { 1, "Error (criu/img-streamer.c:75): Unable to connect to image streamer socket: /run/x/streamer-captur: No such file or directory", "streamer-unreachable" },
        { 2, "Error (criu/img-streamer.c:60): Pre-stream script failed with 1!", "pre-stream-hook-failed" },
        { 3, "(00.1) Error (criu/img-streamer.c:125): Failed to communicate with the image streamer: Broken pipe", "stream-broken" },
        { 4, "(00.1) Error (criu/page-xfer.c:263): page-xfer: Unable to spice data: Broken pipe", "stream-broken" },
        { 5, "(00.1) Error (criu/bfd.c:131): bfd: Error flushing image: Broken pipe", "stream-broken" },
        { 6, "(00.1) Error (criu/sk-inet.c:200): inet: Connected TCP socket, consider using --tcp-established option.", "tcp-connection" },
        { 7, "(00.1) Error (criu/sk-inet.c:137): inet: Unsupported proto 262 for socket 5c7", "mptcp-socket" },
        { 8, "(00.1) Error (criu/sk-inet.c:185): inet: In-flight connection (l) for 88", "connection-in-flight" },
        { 9, "(00.1) Error (criu/file-lock.c:110): Some file locks are hold by dumping tasks! You can try --file-locks to dump them.", "file-locks" },
        { 10, "(00.1) Error (criu/pstree.c:304): The root process 77 is not a session leader. Consider using --shell-job option", "not-session-leader" },
        { 11, "(00.1) Error (criu/files-reg.c:1031): Can't dump ghost file /tmp/x of 3000000 size, increase limit", "ghost-file-too-large" },
        { 12, "(00.1) Error (criu/files-reg.c:1122): Can't create link remap for /tmp/x. Use link-remap option.", "unlinked-file-has-links" },
        { 13, "(00.1) Error (criu/files-ext.c:94): Can't dump file 5 of that type [20600] (chr 10:232)", "unsupported-file" },
        { 14, "(00.1) Error (criu/parasite-syscall.c:280): Can't retrieve FDs from socket", "io-uring" },
        { 15, "(00.1) Error (criu/sk-unix.c:874): unix: External socket is used. Consider using --ext-unix-sk option.", "unix-peer-outside" },
        { 16, "(00.1) Error (criu/sk-unix.c:881): unix: Can't dump half of stream unix connection. name: (null); peer name: (null)", "unix-stream-half" },
        { 17, "(00.1) Error (criu/mount.c:724): mnt: FS mnt ./x dev 0x2b root / unsupported id 2", "filesystem-unknown" },
        { 18, "(00.1) Error (criu/mount.c:1092): mnt: Mount 7 ./x (master_id: 3 shared_id: 0) has unreachable sharing. Try --enable-external-masters.", "mount-sharing" },
        { 19, "(00.1) Error (criu/cr-dump.c:477): Task 7 with SysVIPC shmem map @7f0000000000 doesn't live in IPC ns", "sysv-shm-outside-ipc-namespace" },
        { 20, "(00.1) Error (criu/cr-dump.c:1681): A session leader of 7(7) is outside of its pid namespace", "session-outside-pid-namespace" },
        { 21, "(00.1) Warn  (compel/src/lib/infect.c:131): Unable to interrupt task: 7 (Operation not permitted)", "ptrace-refused" },
        { 22, "(00.1) Error (compel/src/lib/infect.c:261): Unseizable non-zombie 7 found, state S, err -1/1", "already-traced" },
        { 23, "(00.1) Error (compel/src/lib/infect.c:259): The criu itself is within dumped tree.", "criu-inside-tree" },
        { 24, "(10.0) Error (criu/cr-dump.c:1808): Timeout reached. Try to interrupt: 0", "freeze-timeout" },
        { 25, "(00.1) Error (criu/seize.c:635): Unable to freeze cgroup /sys/fs/cgroup/freezer/x (100 x 100ms attempts, timeout: 10s)", "cgroup-freeze-failed" },
        { 26, "(00.1) Error (criu/seize.c:882): Zombies with threads are not supported", "zombie-busy" },
        { 27, "Error (criu/config.c:1130): Tracking memory is not available. Consider omitting --track-mem option.", "dirty-tracking-missing" },
        { 28, "(00.1) Error (criu/mem.c:46): BUG at criu/mem.c:46", "criu-pre-dump-bug" },
        { 29, "(00.1) Error (criu/net.c:3332): net: Locking network failed: iptables-restore returned 127. This may be connected to disabled CONFIG_NETFILTER_XT_MARK kernel build config.", "network-lock-failed" },
        { 31, "(00.1) Error (criu/cr-restore.c:1230): Can't fork for 7: File exists", "pid-taken" },
        { 32, "(00.1)      7: Error (criu/cr-restore.c:1539): Pid 9 do not match expected 7", "pid-race" },
        { 33, "(00.1)      7: Error (criu/files-reg.c:2353): Can't open file usr/lib/x.so on restore: No such file or directory", "file-missing" },
        { 34, "(00.1)      7: Error (criu/files-reg.c:2175): File tmp/x has bad size 4 (expect 5)", "file-bad-size" },
        { 35, "(00.1)      7: Error (criu/files-reg.c:2153): File usr/lib/x.so has bad build-ID", "file-bad-build-id" },
        { 36, "(00.1)      7: Error (criu/files-reg.c:2294): File tmp/x has bad mode 0100600 (expect 0100644)", "file-bad-mode" },
        { 37, "(00.1)      7: Error (criu/files.c:1221): Unable to open fd=3 id=0x5", "fd-not-opened" },
        { 38, "(00.1) Error (criu/sk-unix.c:2285): unix: FATAL: Peer 77 unresolved for 78", "unix-peer-missing" },
        { 39, "(00.1) Error (criu/arch/x86/cpu.c:223): cpu: CPU instruction capabilities do not match run time", "cpu-instructions-missing" },
        { 40, "(00.1) Error (criu/arch/x86/cpu.c:274): cpu: CPU xsave size mismatch (2696/832)", "cpu-state-mismatch" },
        { 41, "(00.1) Error (criu/arch/x86/crtools.c:395): FPU xsave area present, but host cpu doesn't support it", "cpu-state-unsupported" },
        { 42, "(00.1) Error (criu/arch/x86/cpu.c:411): cpu: No cpuinfo image", "cpuinfo-missing" },
        { 43, "(00.1) Error (criu/image.c:94): Need to set the --tcp-close options.", "dump-option-not-repeated" },
        { 44, "(00.1) Error (criu/image.c:198): Missing required plugin: cuda_plugin", "criu-plugin-missing" },
        { 45, "(00.1) Error (criu/image.c:563): Magic doesn't match for inventory.img", "image-version-mismatch" },
        { 46, "(00.1) Error (criu/protobuf.c:72): Unexpected EOF on (empty-image)", "image-incomplete" },
        { 47, "(00.1) Error (criu/protobuf.c:93): Read 3 bytes while 44 expected from core-7.img: Success", "image-truncated" },
        { 48, "(00.1)      7: Error (criu/pagemap.c:426): Reached EOF unexpectedly while reading page from image", "image-pages-truncated" },
        { 49, "(00.1) Error (criu/cr-restore.c:2324): Restoring FAILED.", "restore-failed-silently" },
        { 50, "(00.1)      7: Error (criu/mem.c:964): Unable to map ANON_VMA: Cannot allocate memory", "memory-map-failed" },
        { 51, "(00.1) Error (criu/pagemap.c:203): Missing 7f0000000000 in parent pagemap", "parent-image-missing" },
        { 52, "(00.1) Error (criu/lsm.c:406): apparmor LSM specified but apparmor not supported by kernel", "lsm-mismatch" },
        { 53, "(00.1) pie: 7: Error (criu/pie/restorer.c:196): can't write lsm profile -2", "lsm-profile-missing" },
        { 54, "(00.1) pie: 7: Error (criu/pie/restorer.c:265): Unable to set real, effective and saved user ID: -1", "credentials-not-restored" },
        { 55, "(00.1) pie: 7: Error (criu/pie/restorer.c:542): seccomp: PR_SET_SECCOMP returned -22 on tid 7", "seccomp-not-restored" },
        { 56, "(00.1) Error (criu/cr-restore.c:2636): rseq: can't restore as kernel doesn't support it", "rseq-unsupported" },
        { 57, "(00.1) Error (criu/mount.c:3120): mnt: Mount 7:./x is autodetected external mount. Try \"--ext-mount-map auto\" to allow them.", "mount-not-mapped" },
        { 58, "(00.1) Error (criu/mount.c:2753): mnt: The --root option is required to restore a mount namespace", "root-missing" },
        { 59, "(00.1) Error (criu/net.c:1969): net: IP tool failed on route restore", "network-tool-failed" },
        { 60, "(00.1) Error (criu/cr-restore.c:1258): 7 exited, status=1", "task-died" },
        { 61, "(00.1) Error (criu/cr-restore.c:2297): Killing processes because of failure on restore. The Network was unlocked so some data or a connection may have been lost.", "network-unlocked" },
        { 62, "(00.1) pie: 7: Error (criu/pie/restorer.c:1498): Task had vdso, restorer doesn't", "vdso-mismatch" },
        { 63, "(00.1) Error (criu/uffd.c:349): uffd: connect to lazy-pages.socket failed: No such file or directory", "lazy-pages-missing" },
        { 64, "(00.1)      7: Error (criu/tty.c:1010): tty: Don't have tty to inherit session from, aborting", "tty-gone" },
    };

    [Theory]
    [MemberData(nameof(KnownLines))]
    public void Every_known_line_has_a_cause_and_a_remedy(int number, string line, string code)
    {
        Assert.InRange(number, 1, 64);
        CriuDiagnosis diagnosis = CriuLog.Diagnose(line, "", 1);

        Assert.Equal(code, diagnosis.Code);
        Assert.NotEmpty(diagnosis.Cause);
        Assert.NotEmpty(diagnosis.Remedy);
        Assert.Equal(line, diagnosis.Line);
    }

    [Fact]
    public void The_harmless_line_of_every_run_is_passed_over()
    {
        const string Log = """
            (00.001) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
            (00.002) Warn  (criu/kerndat.c:1799): Hardware breakpoints don't seem to work (status=137f)
            (00.110) Error (criu/tty.c:410): tty: Found slave peer index 0 without correspond master peer
            (00.119) Error (criu/cr-dump.c:1975): Dumping FAILED.
            """;

        CriuDiagnosis diagnosis = CriuLog.Diagnose(Log, "", 1);

        Assert.Equal("tty-other-end-outside", diagnosis.Code);
        Assert.Contains("Found slave peer", diagnosis.Line, StringComparison.Ordinal);
    }

    [Fact]
    public void The_cause_wins_over_what_it_led_to()
    {
        const string Log = """
            (00.105)     7: Error (criu/cr-restore.c:1258): 9 exited, status=1
            (00.110)     7: Error (criu/files-reg.c:2175): File tmp/x has bad size 4 (expect 5)
            (00.111)     7: Error (criu/files.c:1221): Unable to open fd=3 id=0x5
            (00.119) Error (criu/cr-restore.c:2331): Restoring FAILED.
            """;

        Assert.Equal("file-bad-size", CriuLog.Diagnose(Log, "", 1).Code);
    }

    [Fact]
    public void An_unknown_error_is_shown_rather_than_its_consequence()
    {
        const string Log = """
            (00.110) Error (criu/new.c:1): something that nobody has seen yet
            (00.119) Error (criu/cr-dump.c:1975): Dumping FAILED.
            """;

        CriuDiagnosis diagnosis = CriuLog.Diagnose(Log, "", 1);

        Assert.Equal("criu-error", diagnosis.Code);
        Assert.Contains("nobody has seen", diagnosis.Line, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_from_the_workload_in_debug_lines_are_not_taken_for_errors()
    {
        const string Log = "(00.110) Dumping path for 3 fd via self 5 [/tmp/Can't open file BUG has bad size]\n(00.119) Error (criu/cr-dump.c:1975): Dumping FAILED.\n";

        Assert.Equal("dump-failed-silently", CriuLog.Diagnose(Log, "", 1).Code);
    }

    [Fact]
    public void What_CRIU_says_before_its_log_is_open_is_read_from_stderr()
    {
        const string Stderr = "Error (criu/img-streamer.c:75): Unable to connect to image streamer socket: /x: Connection refused\nError (criu/crtools.c:259): Couldn't open image dir /x\n";

        Assert.Equal("streamer-unreachable", CriuLog.Diagnose("", Stderr, 1).Code);
    }

    [Theory]
    [InlineData(255, "hook-refused")]
    [InlineData(134, "criu-bug")]
    [InlineData(137, "criu-killed")]
    [InlineData(1, "criu-unknown")]
    public void A_silent_end_is_explained_by_its_exit_code(int exitCode, string code)
    {
        Assert.Equal(code, CriuLog.Diagnose("", "", exitCode).Code);
    }

    [Fact]
    public void A_log_that_is_larger_than_the_bound_is_read_at_both_ends()
    {
        using Support.TemporaryDirectory directory = new();
        string path = directory.File("dump.log");
        using (StreamWriter writer = new(path))
        {
            for (int i = 0; i < CriuLog.MaximumLogBytes / 50; i++)
            {
                writer.WriteLine("(00.110) a debug line of sixty bytes or so, and no more");
            }

            writer.WriteLine("(00.119) Error (criu/files-reg.c:2175): File tmp/x has bad size 4 (expect 5)");
        }

        Assert.Equal("file-bad-size", CriuLog.DiagnoseFile(new CriuResult(1, "", path, TimeSpan.Zero)).Code);
        Assert.Equal("criu-unknown", CriuLog.DiagnoseFile(new CriuResult(1, "", directory.File("absent"), TimeSpan.Zero)).Code);
    }
}
