using System.Globalization;
using Checkpointer.Engine.Checkpointing;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Restoring;

/// <summary>CRIU's run under the tree's owner, and everything that happens while it lasts.</summary>
internal sealed partial class RestoreSession
{
    /// <summary>Killing a half-restored tree takes the kernel this long at most.</summary>
    private static readonly TimeSpan AbandonDeadline = TimeSpan.FromSeconds(30);

    /// <summary>How long the hook may wait for our answer: it is given when everything was served, which is then already so.</summary>
    private static readonly TimeSpan HookDeadline = TimeSpan.FromMinutes(2);

    /// <summary>After the hook's answer CRIU only has to set the tasks going.</summary>
    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(2);

    private const int Released = 1;
    private const int Refused = 2;

    private readonly EngineServices _services;
    private readonly string _id;
    private readonly RestoreRequest _request;
    private readonly OperationAbort _abort;

    private readonly List<string> _made = [];
    private Cgroup? _cgroup;
    private int _decision;
    private volatile bool _released;
    private bool _running;
    private int _criuExit = 1;

    public RestoreSession(EngineServices services, string id, RestoreRequest request, OperationAbort abort)
    {
        _services = services;
        _id = id;
        _request = request;
        _abort = abort;
    }

    public required CriuInstallation Criu { get; init; }

    public required SnapshotReader Reader { get; init; }

    public required WorkloadRecord Record { get; init; }

    /// <summary>What becomes of pipes and terminals that led outside.</summary>
    public required IReadOnlyList<string> StdioMaps { get; init; }

    /// <summary>How this node differs from the one of the dump, and what follows from it.</summary>
    public required CompatibilityReport Compatibility { get; init; }

    public required FileWriteBack Files { get; init; }

    /// <summary>The placeholder that the tree goes into; null for a plain tree.</summary>
    public required ContainerTarget? Target { get; init; }

    public required BlockPool Pool { get; init; }

    public required RunPlace Place { get; init; }

    public required string LogDirectory { get; init; }

    public required string TreeDirectory { get; init; }

    public required OpenJournalEntry Journal { get; init; }

    /// <summary>Gives the tree's CUDA processes their GPUs; null where there are none.</summary>
    public required GpuReturn? Gpus { get; init; }

    public required Action<string> Enter { get; init; }

    public required Action<OperationProgress> Report { get; init; }

    private bool OwnPidNamespace => Compatibility.NeedsPidNamespace;

    private string LogPath => Path.Combine(LogDirectory, "restore.log");

    private string PidFile => Path.Combine(TreeDirectory, "restored.pid");

    public async Task<TreeRecord> RunAsync()
    {
        try
        {
            return await WatchedAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            throw await FailAsync(_abort.Explain(error)).ConfigureAwait(false);
        }
    }

    private async Task<TreeRecord> WatchedAsync()
    {
        var edited = await Record.Options.EditedImagesAsync(Record.Requirement.ThreadIds.ToHashSet(), ReadSmallAsync).ConfigureAwait(false);
        await using var server = new ImageServer(
            Place.Directory, Reader, Pool, Edited, _services.Loggers.CreateLogger("Checkpointer.Serve"), _services.Time);

        // Not a conditional expression: there, null would become an empty image (ReadOnlyMemory converts from a null array).
        ReadOnlyMemory<byte>? Edited(string name)
        {
            if (edited.TryGetValue(name, out var image))
            {
                return image;
            }

            return null;
        }

        using var gate = new HookGate(Place.HookSocket, _id, "post-restore", _services.Logger);
        var speed = new Speedometer(_services.Time);
        using var watchdog = new Watchdog(
            _services.Time,
            _abort,
            _services.Options.StallLimit,
            () => HashCode.Combine(server.LastProgress, Files.BytesWritten, Trees.BytesWritten),
            () => Report(new OperationProgress
            {
                Phase = "",
                BytesDone = server.Statistics?.Bytes ?? 0,
                BytesTotal = Reader.Info.BytesCaptured,
                BytesPerSecond = speed.Update(server.Statistics?.Bytes ?? 0),
            }));
        await Files.WriteAsync(Reader, _made, _abort.Token).ConfigureAwait(false);
        await FillContainerAsync().ConfigureAwait(false);
        return await RestoreAsync(server, gate).ConfigureAwait(false);
    }

    private async Task<byte[]?> ReadSmallAsync(string name, int maxLength) =>
        Reader.Contains(name) ? await Reader.ReadSmallFileAsync(name, maxLength, _abort.Token).ConfigureAwait(false) : null;

    private async Task<TreeRecord> RestoreAsync(ImageServer server, HookGate gate)
    {
        server.Listen();
        _cgroup = Target is { } target ? Cgroup.Of(target.Init.Pid) : Cgroup.Create(_request.Cgroup ?? TreeCgroup.NameOf(_id));
        var owner = await TreeLauncher
            .StartAsync(_services.Init, OwnerArguments(), gate.Environment(HookDeadline), _abort.Token).ConfigureAwait(false);
        var ownerIdentity = ProcessIdentity.Of(owner)
            ?? throw new OperationFailedException("tree-owner-gone", "checkpointer-init ended at once.", $"Look into {LogDirectory}/init.log.");
        Journal.Write(Journal.Entry with
        {
            Phase = OperationPhase.Restore,
            Processes = [new JournalProcess(owner, ownerIdentity.StartTime, ownerIdentity.PidNamespace, WasStopped: false)],
        });

        Enter(OperationPhase.Restore);
        using var connection = TreeConnection.TryConnect(TreeDirectory, _abort.Token)
            ?? throw new OperationFailedException("tree-owner-gone", "checkpointer-init does not answer.", $"Look into {LogDirectory}/init.log.");
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_abort.Token);
        using var giveUp = new CancellationTokenSource();
        using var closePipes = _abort.Token.Register(() =>
        {
            // Once the tree was let go it may act on the world: then the restore is carried to its end.
            if (TryDecide(Refused))
            {
                server.Abort(_abort.Reason!);
                giveUp.Cancel();
            }
        });
        var served = server.RunAsync(ProcessMatcher.SelfOrDescendantOf(owner), CancellationToken.None);
        var allowed = AllowAsync(server, gate, owner, giveUp, over.Token);
        int? root;
        try
        {
            connection.Send("start");
            root = await DedicatedThread.Run("tree owner", () => AwaitRoot(connection, giveUp.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (_released)
        {
            throw new OperationFailedException(
                "tree-not-started", $"CRIU did not finish within {Durations.Format(StartDeadline)} of letting the tree go.", "Look into CRIU's log.", e);
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            server.Abort(new OperationFailedException("criu-ended", "CRIU ended."));
            await served.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await allowed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (root is null || !_released)
        {
            throw Cause(served, allowed);
        }

        if (Gpus is { } gpus)
        {
            // CRIU's success says nothing about GPUs.
            await gpus.RunAsync(Target?.Init.Pid ?? owner).ConfigureAwait(false);
        }

        // From here on it is a workload like any other: whatever fails now must not end it.
        _running = true;
        return Describe(ownerIdentity, root.Value);
    }
}
