using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Tests.Criu;

public sealed class CriuOptionsTests
{
    private static readonly TreeOptions Everything = new()
    {
        TcpEstablished = true,
        SkipInFlight = true,
        FileLocks = true,
        ShellJob = true,
        ExtUnixSk = true,
        LinkRemap = true,
        GhostLimit = 1 << 30,
        External = ["tty[8800:19]", "unix[77]"],
    };

    [Fact]
    public void A_dump_streams_without_configuration_and_plugins()
    {
        IReadOnlyList<string> arguments = Dump(new TreeOptions { NetworkLock = "skip" }).ToArguments();

        Assert.Equal(["dump", "--tree", "77", "--no-default-config", "--stream"], arguments.Take(5));
        Assert.Equal("/run/x/empty", Value(arguments, "--libdir"));
        Assert.Equal("/run/x", Value(arguments, "--images-dir"));
        Assert.Equal("skip", Value(arguments, "--network-lock"));
        Assert.Contains("--cpu-cap=fpu,ins", arguments);
        Assert.Contains("--manage-cgroups=ignore", arguments);
        Assert.DoesNotContain("--tcp-established", arguments);
        Assert.DoesNotContain("--leave-running", arguments);
        Assert.DoesNotContain("--ghost-limit", arguments);
    }

    [Fact]
    public void Every_derived_option_reaches_the_dump()
    {
        IReadOnlyList<string> arguments = (Dump(Everything) with { LeaveRunning = true, ActionScript = "/run/x/hook", FreezeCgroup = "/sys/fs/cgroup/y" }).ToArguments();

        Assert.Superset(
            new HashSet<string> { "--tcp-established", "--skip-in-flight", "--file-locks", "--shell-job", "--ext-unix-sk", "--link-remap", "--leave-running" },
            arguments.ToHashSet());
        Assert.Equal("1073741824", Value(arguments, "--ghost-limit"));
        Assert.Equal("/run/x/hook", Value(arguments, "--action-script"));
        Assert.Equal("/sys/fs/cgroup/y", Value(arguments, "--freeze-cgroup"));
        Assert.Equal(["tty[8800:19]", "unix[77]"], arguments.Zip(arguments.Skip(1)).Where(p => p.First == "--external").Select(p => p.Second));
    }

    [Fact]
    public void A_restore_repeats_what_CRIU_wants_repeated()
    {
        IReadOnlyList<string> arguments = Restore(Everything).ToArguments();

        Assert.Equal("restore", arguments[0]);
        Assert.Superset(new HashSet<string> { "--tcp-established", "--file-locks", "--shell-job", "--ext-unix-sk", "--restore-detached" }, arguments.ToHashSet());
        Assert.DoesNotContain("--external", arguments);
        Assert.DoesNotContain("--link-remap", arguments);
        Assert.Equal("/run/x/pid", Value(arguments, "--pidfile"));
    }

    [Fact]
    public void Connections_can_come_back_closed()
    {
        IReadOnlyList<string> arguments = (Restore(Everything) with { CloseTcp = true }).ToArguments();

        Assert.Contains("--tcp-close", arguments);
        Assert.DoesNotContain("--tcp-established", arguments);
    }

    [Theory]
    [InlineData(false, "tcp-stream-50b748.img", "--tcp-close")]
    [InlineData(false, "files.img", null)]
    [InlineData(true, "tcp-stream-50b748.img", "--tcp-established")]
    public void A_socket_that_was_reset_before_the_dump_comes_back_closed(bool connections, string file, string? expected)
    {
        TreeOptions tree = new() { TcpEstablished = connections };

        IReadOnlyList<string> arguments = (Restore(tree) with { EndedTcp = tree.HasEndedConnections(["core-1.img", file]) }).ToArguments();

        Assert.Equal(expected is null ? [] : [expected], arguments.Where(a => a.StartsWith("--tcp-", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_directory_too_long_for_a_socket_is_refused_before_CRIU_cuts_it()
    {
        string fits = "/" + new string('d', CriuPaths.LongestImagesDirectory - 1);
        CriuPaths.CheckImagesDirectory(fits);

        UsageException error = Assert.Throws<UsageException>(() => (Dump(Everything) with { ImagesDirectory = fits + "x" }).ToArguments());

        Assert.Equal("images-directory-too-long", error.Code);
    }

    [Fact]
    public void A_manifest_cannot_put_words_into_the_command_line()
    {
        TreeOptions forged = Everything with { CpuCapability = "ins --exec-cmd" };

        Assert.Equal("manifest-refused", Assert.Throws<RepositoryException>(() => Restore(forged).ToArguments()).Code);
    }

    private static CriuDumpOptions Dump(TreeOptions tree)
    {
        return new CriuDumpOptions { RootPid = 77, ImagesDirectory = "/run/x", WorkDirectory = "/var/x", LibraryDirectory = "/run/x/empty", Tree = tree };
    }

    private static CriuRestoreOptions Restore(TreeOptions tree)
    {
        return new CriuRestoreOptions { ImagesDirectory = "/run/x", WorkDirectory = "/var/x", LibraryDirectory = "/run/x/empty", PidFile = "/run/x/pid", Tree = tree };
    }

    private static string Value(IReadOnlyList<string> arguments, string option)
    {
        return arguments[arguments.ToList().IndexOf(option) + 1];
    }
}
