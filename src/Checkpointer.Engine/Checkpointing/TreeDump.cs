using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>
/// CRIU's run over one tree: CRIU itself, the capture of its streams, and the gate at which it waits, tree frozen and image whole, until
/// the session decides. What goes wrong here is told by the tasks; nothing is undone here but what CRIU undoes.
/// </summary>
internal sealed class TreeDump : IAsyncDisposable
{
    private readonly EngineServices _services;
    private readonly string _id;
    private readonly CheckpointRequest _request;
    private readonly OperationAbort _abort;
    private readonly OpenJournalEntry _journal;
    private readonly HookGate _gate;
    private readonly CancellationTokenSource _kill = new();
    private readonly TaskCompletionSource<int> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _captured = Task.CompletedTask;
    private HookCall? _call;
    private int _refused;

    public TreeDump(
        EngineServices services, string id, CheckpointRequest request, OperationAbort abort, OpenJournalEntry journal, DumpTree tree, SnapshotWriter writer, BlockPool pool)
    {
        _services = services;
        _id = id;
        _request = request;
        _abort = abort;
        _journal = journal;
        Tree = tree;
        Connections = new ConnectionGuard(journal.Entry.Parts[tree.Number], services.Logger);
        Capture = new CaptureServer(
            tree.Place.Directory, new SnapshotSink(writer, tree.Prefix), pool, services.Loggers.CreateLogger("Checkpointer.Capture"), services.Time)
        {
            FileClosed = Connections.Dumped,
        };
        _gate = new HookGate(tree.Place.HookSocket, id, "post-dump", services.Logger);
    }

    public DumpTree Tree { get; }

    public ConnectionGuard Connections { get; }

    public CaptureServer Capture { get; }

    /// <summary>CRIU's run; completed at once as long as there was none.</summary>
    public Task<CriuResult>? Run { get; private set; }

    /// <summary>CRIU was told to go on.</summary>
    public bool Released { get; private set; }

    /// <summary>The hook is there and waits.</summary>
    public bool IsWaiting => _call is { IsWaiting: true };

    /// <summary>CRIU's own figure; zero where it left no statistics.</summary>
    public TimeSpan CriuFrozen => CriuStats.ReadDump(Tree.LogDirectory)?.Frozen ?? TimeSpan.Zero;

    /// <summary>CRIU ended the tree, or let it run on, as it was told to, with a whole image.</summary>
    public bool Succeeded => Released && Run is { IsCompletedSuccessfully: true } run && run.Result.ExitCode == 0;

    /// <summary>Starts CRIU. It ends by itself, or some time after its pipes were closed; a frozen cgroup is thawed as soon as it has.</summary>
    public void Start()
    {
        Run = RunCriuAsync();
        _captured = Capture.RunAsync(ProcessMatcher.SelfOrDescendantOf(_started.Task), CancellationToken.None);
    }

    /// <summary>Completes when the image is whole and CRIU waits for its answer.</summary>
    public async Task AtHookAsync(CancellationToken cancellationToken)
    {
        var expected = await _started.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        var call = await _gate.WaitAsync(pid => TaskState.DescendsFrom(pid, expected), cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _call, call);
        if (Volatile.Read(ref _refused) != 0)
        {
            // Given up between the hook's coming and here.
            call.Refuse();
        }

        await Capture.Complete.WaitAsync(cancellationToken).ConfigureAwait(false);
        CheckRoot(call.InitPid);
    }

    /// <summary>Any thread: the hook is answered at once, and CRIU resumes the tree, unless it was allowed to go on before.</summary>
    public void Refuse()
    {
        Volatile.Write(ref _refused, 1);
        Volatile.Read(ref _call)?.Refuse();
    }

    /// <summary>CRIU may go on. False where the hook is gone: CRIU rolls back then, which its exit code tells.</summary>
    public bool TryAllow() => Released = _call!.TryAllow();

    /// <summary>Closes CRIU's pipes: it cures the tree and ends, or is killed when it does not.</summary>
    public void CloseCapture(Exception reason)
    {
        Capture.Abort(reason);
        try
        {
            _kill.CancelAfter(DumpSession.CureDeadline);
        }
        catch (ObjectDisposedException)
        {
            // The dump is over.
        }
    }

    /// <summary>CRIU has ended: so does what listened to it.</summary>
    public async Task CloseAsync()
    {
        Capture.Abort(new OperationFailedException("criu-ended", "CRIU ended."));
        await _captured.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Why CRIU did not end as it should; null when its failure is only the consequence of another's.</summary>
    public async Task<Exception> CauseAsync()
    {
        // A store that failed is the cause of CRIU's broken pipe, not its consequence; an incomplete image is the consequence of CRIU's failure.
        if (_captured.Exception?.InnerException is CheckpointerException { Code: not ("image-incomplete" or "criu-ended" or "stream-no-peer") } streamError)
        {
            return streamError;
        }

        return CriuWords.Failure(await Run!.ConfigureAwait(false), $"dump {Tree.Label}");
    }

    public async ValueTask DisposeAsync()
    {
        _call?.Dispose();
        _gate.Dispose();
        await Capture.DisposeAsync().ConfigureAwait(false);
        Connections.Dispose();
        _kill.Dispose();
    }

    private async Task<CriuResult> RunCriuAsync()
    {
        try
        {
            return await new CriuRunner().RunAsync(Describe(), _kill.Token).ConfigureAwait(false);
        }
        finally
        {
            // CRIU leaves a cgroup that it found frozen as it found it; what it killed dies only in one that is thawed.
            Tree.Freezer?.Thaw();
        }
    }

    private CriuRun Describe()
    {
        var options = new CriuDumpOptions
        {
            RootPid = Tree.EnterNamespacesOf is null ? Tree.Root.Pid : Tree.Inspection.Tree.Root.OwnPid,
            ImagesDirectory = Tree.Place.Directory,
            WorkDirectory = Tree.LogDirectory,
            LibraryDirectory = Tree.Place.EmptyDirectory,
            ActionScript = _services.Hook,
            LeaveRunning = _request.LeaveRunning,
            FreezeCgroup = Tree.Freezer?.FreezerDirectory,
            Tree = Tree.Inspection.Options,
        };
        return new CriuRun
        {
            Criu = Criu!,
            Arguments = options.ToArguments(),
            WorkDirectory = Tree.LogDirectory,
            LogPath = options.LogPath,
            Environment = _gate.Environment(TimeSpan.FromSeconds(_request.MaxFrozenSeconds) + DumpSession.CureDeadline),
            PrefixCommand = Detached.Prefix(_services.Init, Tree.EnterNamespacesOf),
            OnStarted = pid =>
            {
                try
                {
                    NoteCriu(pid);
                }
                catch (Exception e)
                {
                    // CRIU runs already: it must be waited for, so this ends the operation like any other failure.
                    _abort.Abort(e);
                }

                _started.TrySetResult(pid);
            },
        };
    }

    /// <summary>Which CRIU runs.</summary>
    public required CriuInstallation Criu { get; init; }

    private void NoteCriu(int pid)
    {
        if (ProcessIdentity.Of(pid) is { } identity)
        {
            _journal.Update(entry => entry.With(Tree.Number, part => part with
            {
                Criu = new JournalProcess(identity.Pid, identity.StartTime, identity.PidNamespace, WasStopped: false),
            }));
        }
    }

    /// <summary>CRIU must have dumped the very process that was inspected.</summary>
    private void CheckRoot(int initPid)
    {
        var expected = Tree.EnterNamespacesOf is null ? Tree.Root.Pid : Tree.Inspection.Tree.Root.OwnPid;
        if (!Tree.Root.IsAlive() || (initPid != 0 && initPid != expected))
        {
            throw new OperationFailedException(
                "root-changed",
                $"Process {Tree.Root.Pid} is not the one that was inspected any more.",
                "Look the pid up again and checkpoint once more.");
        }
    }
}
