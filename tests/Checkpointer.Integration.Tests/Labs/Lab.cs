using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using CliWrap;

namespace Checkpointer.Integration.Tests;

/// <summary>
/// One test's own place: a folder with a short path, a repository and key, state and run directories, and the executables
/// under test. Disposing it ends every process that was started in it, at whatever remove, and takes away its mounts,
/// cgroups and files, also when the test failed in the middle.
/// </summary>
internal sealed class Lab : IAsyncDisposable
{
    /// <summary>Every process of a lab has this setting in its environment, so that none can escape the clean-up.</summary>
    internal const string MarkName = "CHECKPOINTER_LAB";

    /// <summary>No run of the command line may take longer, unless a test says so.</summary>
    internal static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(2);

    private readonly LabCleaning _cleaning;

    private Lab(string directory)
    {
        Directory = directory;
        Mark = $"{MarkName}={Path.GetFileName(directory)}";
        _cleaning = new LabCleaning(this);
        LiveLabs.Add(_cleaning);
    }

    /// <summary>A short path: unix sockets below it must fit into 108 bytes.</summary>
    internal string Directory { get; }

    internal string Mark { get; }

    internal string Repository => Path.Combine(Directory, "repo");

    internal string KeyFile => Path.Combine(Directory, "key");

    internal string StateDirectory => Path.Combine(Directory, "state");

    internal string RunDirectory => Path.Combine(Directory, "run");

    /// <summary>Where a service of this lab listens, if the test starts one.</summary>
    internal string Socket => Path.Combine(Directory, "s", "checkpointer.sock");

    /// <summary>More settings for every program that this lab starts; null removes one.</summary>
    internal Dictionary<string, string?> Environment { get; } = [];

    /// <summary>A new lab; skips the calling test, with the reason, where real checkpoints cannot be made.</summary>
    internal static Lab Create()
    {
        Installation.SkipUnlessUsable();
        var directory = "/tmp/cl-" + RandomNumberGenerator.GetHexString(8, lowercase: true);
        var lab = new Lab(directory);
        System.IO.Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return lab;
    }

    /// <summary>A new lab with an empty repository.</summary>
    internal static async Task<Lab> CreateWithRepositoryAsync()
    {
        var lab = Create();
        try
        {
            (await lab.CheckpointerAsync("init")).MustSucceed();
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs <c>checkpointer ARGUMENTS --embedded</c> in this lab (the options may be overridden by the environment).</summary>
    internal Task<Outcome> CheckpointerAsync(params string[] arguments) => RunAsync(Installation.Checkpointer, arguments, DefaultLimit);

    internal async Task<Outcome> RunAsync(string program, IReadOnlyList<string> arguments, TimeSpan limit)
    {
        LiveLabs.ThrowIfStopping();
        var stdout = new StringBuilder();
        var stderr = new StringBuilder();
        var clock = Stopwatch.StartNew();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(limit);
        var command = $"{Path.GetFileName(program)} {string.Join(' ', arguments)}";
        try
        {
            var result = await Cli.Wrap(program)
                .WithArguments(arguments)
                .WithEnvironmentVariables(AllSettings())
                .WithWorkingDirectory(Directory)
                .WithValidation(CommandResultValidation.None)
                .WithStandardOutputPipe(PipeTarget.ToStringBuilder(stdout))
                .WithStandardErrorPipe(PipeTarget.ToStringBuilder(stderr))
                .ExecuteAsync(deadline.Token);
            return new Outcome(command, result.ExitCode, stdout.ToString(), stderr.ToString(), clock.Elapsed);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new Xunit.Sdk.XunitException($"'{command}' did not end within {limit.TotalSeconds:F0} s\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        }
    }

    /// <summary>
    /// Starts a program under no supervision of ours: a session of its own, no parent, stdin from /dev/null, output in
    /// <paramref name="log"/>. Returns its pid.
    /// </summary>
    internal async Task<int> StartAsync(string log, string program, params string[] arguments)
    {
        var pidFile = Path.Combine(Directory, $"{Path.GetFileName(log)}.pid");
        File.Delete(pidFile);
        // Descriptors of the test runner are closed; the shell writes its pid whole (rename) and then becomes the program.
        const string Script = "for f in /proc/$$/fd/*; do n=${f##*/}; [ \"$n\" -gt 2 ] && eval \"exec $n>&-\"; done; log=$1 pid=$2; shift 2; exec </dev/null >>\"$log\" 2>&1; echo $$ >\"$pid.new\"; mv \"$pid.new\" \"$pid\"; exec \"$@\"";
        string[] all = ["--fork", "bash", "-c", Script, "bash", log, pidFile, program, .. arguments];
        (await RunAsync(Installation.NeedProgram("setsid"), all, DefaultLimit)).MustSucceed();
        var text = await Eventually.ValueAsync(
            $"the start of {program}", TimeSpan.FromSeconds(60), () => File.Exists(pidFile) ? File.ReadAllText(pidFile) : null);
        var pid = int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
        Track(pid);
        return pid;
    }

    /// <summary>The tree below this process is ended with the lab, even if it overwrote its environment.</summary>
    internal void Track(int pid) => _cleaning.Track(pid);

    /// <summary>This file or folder outside of the lab is deleted with it.</summary>
    internal void TrackFile(string path) => _cleaning.TrackFile(path);

    public ValueTask DisposeAsync() => new(_cleaning.RunAsync());

    /// <summary>The environment of every program that this lab starts; null removes a setting.</summary>
    internal Dictionary<string, string?> AllSettings()
    {
        var all = new Dictionary<string, string?>
        {
            [MarkName] = Path.GetFileName(Directory),
            ["CHECKPOINTER_REPO"] = Repository,
            ["CHECKPOINTER_KEY_FILE"] = KeyFile,
            ["CHECKPOINTER_STATE_DIR"] = StateDirectory,
            ["CHECKPOINTER_RUN_DIR"] = RunDirectory,
            // A service that runs on this machine must not be used by accident.
            ["CHECKPOINTER_SOCKET"] = Socket,
            ["CHECKPOINTER_CRIU"] = Installation.Criu,
            ["NO_COLOR"] = "1",
        };
        foreach (var (name, value) in Environment)
        {
            all[name] = value;
        }

        return all;
    }
}
