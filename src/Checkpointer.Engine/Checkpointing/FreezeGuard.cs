using System.ComponentModel;
using System.IO.Pipelines;
using System.Text;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using CliWrap;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>
/// <c>checkpointer-init guard</c>: a process that thaws the cgroups of a pod when we are done, or have died. It waits for our CRIUs first, which
/// leave a cgroup as they found it: frozen.
/// </summary>
internal sealed class FreezeGuard : IAsyncDisposable
{
    /// <summary>It opens some files; a machine that stands still gets this long.</summary>
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(20);

    /// <summary>When we are done no CRIU is left that it would wait for.</summary>
    private static readonly TimeSpan ExitGrace = TimeSpan.FromSeconds(5);

    private readonly Pipe _open = new();
    private readonly CancellationTokenSource _kill = new();
    private readonly StringBuilder _errors = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task<CommandResult> _process;
    private readonly int _pid;

    private FreezeGuard(string init, string operation, IReadOnlyList<string> switches)
    {
        var command = Cli.Wrap(init)
            .WithArguments(["guard", "--operation", operation, .. switches.SelectMany(static s => (string[])["--freezer", s])])
            .WithEnvironmentVariables(CriuEnvironment.Build(new Dictionary<string, string?>()))
            .WithStandardInputPipe(PipeSource.FromStream(_open.Reader.AsStream()))
            .WithStandardOutputPipe(PipeTarget.ToDelegate(_ => _ready.TrySetResult()))
            .WithStandardErrorPipe(PipeTarget.ToStringBuilder(_errors)) // one line
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(_kill.Token);
        _pid = command.ProcessId;
        _process = command.Task;
    }

    /// <summary>For the journal: who recovers ends it first. Null when it is gone.</summary>
    public JournalProcess? Identity => ProcessIdentity.Of(_pid) is { } identity
        ? new JournalProcess(identity.Pid, identity.StartTime, identity.PidNamespace, WasStopped: false)
        : null;

    /// <summary>Starts it and waits until it would thaw.</summary>
    /// <param name="init">The executable.</param>
    /// <param name="operation">By which it knows our CRIUs (<see cref="HookGate"/>).</param>
    /// <param name="switches">What it writes to: <see cref="Cgroup.FreezerSwitches"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HostException">Code <c>freeze-guard</c>: it did not come up; nothing is frozen yet.</exception>
    public static async Task<FreezeGuard> StartAsync(string init, string operation, IReadOnlyList<string> switches, CancellationToken cancellationToken)
    {
        FreezeGuard guard;
        try
        {
            guard = new FreezeGuard(init, operation, switches);
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            throw NotStarted(init, e.Message, e);
        }

        try
        {
            await Task.WhenAny(guard._ready.Task, guard._process).WaitAsync(ReadyDeadline, cancellationToken).ConfigureAwait(false);
            return guard._ready.Task.IsCompleted ? guard : throw NotStarted(init, guard._errors.ToString().Trim(), null);
        }
        catch (TimeoutException e)
        {
            await guard.DisposeAsync().ConfigureAwait(false);
            throw NotStarted(init, $"it was not ready within {Durations.Format(ReadyDeadline)}", e);
        }
        catch
        {
            await guard.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>We are done: it thaws once more, which is harmless, and ends.</summary>
    public ValueTask DisposeAsync() => new(HelperProcess.EndAsync(_open.Writer, _process, _kill, ExitGrace, TimeProvider.System));

    private static HostException NotStarted(string init, string why, Exception? inner) =>
        new("freeze-guard", $"{init} guard cannot watch over the pod's freezers: {why}.", "Install checkpointer whole, and look whether the freezers can be written.", inner);
}
