using System.Globalization;
using Checkpointer.Engine.Checkpointing;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// CRIU's run under the owner of one tree: the owner, the server of its images, and the gate at which CRIU waits, tree built and stopped,
/// until the session decides.
/// </summary>
internal sealed partial class TreeRestore : IAsyncDisposable
{
    /// <summary>How long the hook may wait for our answer: an answer is given when every tree was served.</summary>
    private static readonly TimeSpan HookDeadline = TimeSpan.FromMinutes(2);

    /// <summary>The same where others must come as far first, each through the same store.</summary>
    private static readonly TimeSpan SharedHookDeadline = TimeSpan.FromHours(23);

    private readonly EngineServices _services;
    private readonly string _id;
    private readonly OperationAbort _abort;
    private readonly OpenJournalEntry _journal;
    private readonly CriuInstallation _criu;
    private readonly BlockPool _pool;
    private readonly HookGate _gate;
    private readonly FileTreeApply _trees;
    private ImageServer? _server;
    private TreeConnection? _connection;
    private Task _served = Task.CompletedTask;
    private HookCall? _call;
    private int _refused;
    private int _criuExit = 1;
    private int _owner;

    public TreeRestore(
        EngineServices services, string id, RestoreRequest request, OperationAbort abort, OpenJournalEntry journal, CriuInstallation criu, RestoreTree tree)
    {
        _services = services;
        _id = id;
        _request = request;
        _abort = abort;
        _journal = journal;
        _criu = criu;
        Tree = tree;
        _trees = new FileTreeApply(tree.Reader);
        _pool = new BlockPool(tree.PoolBytes);
        _gate = new HookGate(tree.Place.HookSocket, id, "post-restore", services.Logger);
    }

    public RestoreTree Tree { get; }

    private SnapshotReader Reader => Tree.Reader;

    /// <summary>The cgroup that the tree joins; null before it was started.</summary>
    public Cgroup? Cgroup { get; private set; }

    /// <summary>The owner; null before it was started.</summary>
    public ProcessIdentity? Owner { get; private set; }

    /// <summary>For the watchdog: changes whenever anything moved.</summary>
    public long Progress => HashCode.Combine(_server?.LastProgress ?? 0, _trees.BytesWritten);

    /// <summary>Bytes served to CRIU.</summary>
    public long Bytes => _server?.Statistics?.Bytes ?? 0;

    /// <summary>CRIU was told to go on.</summary>
    public bool Released { get; private set; }

    /// <summary>The image server listens: CRIU may come.</summary>
    public async Task ListenAsync()
    {
        var options = Tree.Record.Options;
        SnapshotImage image = new(Reader, Tree.Prefix);
        var edited = await options
            .EditedImagesAsync(Tree.Record.Requirement.ThreadIds.ToHashSet(), image.Files.Select(static f => f.Name), ReadSmallAsync).ConfigureAwait(false);

        // Not a conditional expression: there, null would become an empty image (ReadOnlyMemory converts from a null array).
        ReadOnlyMemory<byte>? Edited(string name)
        {
            if (edited.TryGetValue(name, out var bytes))
            {
                return bytes;
            }

            return null;
        }

        _server = new ImageServer(
            Tree.Place.Directory, image, _pool, Edited, _services.Loggers.CreateLogger("Checkpointer.Serve"), _services.Time);
        _server.Listen();
    }

    /// <summary>Starts the owner, which waits for its word.</summary>
    public async Task LaunchAsync(CancellationToken cancellationToken)
    {
        Cgroup = Tree.Target is { } target ? Cgroup.Of(target.Init.Pid) : Cgroup.Create(_request.Cgroup ?? TreeCgroup.NameOf(_id));
        var deadline = Tree.Prefix.Length == 0 ? HookDeadline : SharedHookDeadline;
        _owner = await TreeLauncher.StartAsync(_services.Init, OwnerArguments(), _gate.Environment(deadline), cancellationToken).ConfigureAwait(false);
        var identity = Owner = ProcessIdentity.Of(_owner)
            ?? throw new OperationFailedException("tree-owner-gone", "checkpointer-init ended at once.", $"Look into {Tree.LogDirectory}/init.log.");
        _journal.Update(entry => entry.With(Tree.Number, part => part with
        {
            Processes = [new JournalProcess(_owner, identity.StartTime, identity.PidNamespace, WasStopped: false)],
        }) with
        { Phase = OperationPhase.Restore });
        _connection = TreeConnection.TryConnect(Tree.TreeDirectory, cancellationToken)
            ?? throw new OperationFailedException("tree-owner-gone", "checkpointer-init does not answer.", $"Look into {Tree.LogDirectory}/init.log.");
    }

    /// <summary>CRIU starts. The task ends with the root's pid as the owner sees it, or with null when CRIU failed.</summary>
    public Task<int?> StartAsync(CancellationToken cancellationToken)
    {
        _served = _server!.RunAsync(ProcessMatcher.SelfOrDescendantOf(_owner), CancellationToken.None);
        return DedicatedThread.Run("tree owner", () =>
        {
            _connection!.Send("start");
            return AwaitRoot(_connection, cancellationToken);
        });
    }

    /// <summary>The last safe veto: completes when CRIU waits, and everything that it opened was served whole and authenticated.</summary>
    public async Task AtHookAsync(CancellationToken cancellationToken)
    {
        var call = await _gate.WaitAsync(pid => TaskState.DescendsFrom(pid, _owner), cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _call, call);
        if (Volatile.Read(ref _refused) != 0)
        {
            // Given up between the hook's coming and here.
            call.Refuse();
        }

        if (!_server!.AllServedWhole(out var missing))
        {
            call.Refuse();
            throw new OperationFailedException(
                "image-not-whole", $"CRIU restored the tree without reading {missing} to its end.", "Report this; the tree was not released.");
        }
    }

    /// <summary>Any thread: CRIU kills what it built, unless it was allowed to go on before.</summary>
    public void Refuse()
    {
        Volatile.Write(ref _refused, 1);
        Volatile.Read(ref _call)?.Refuse();
    }

    /// <summary>CRIU may set the tree going. False where the hook is gone.</summary>
    public bool TryAllow() => Released = _call!.TryAllow();

    /// <summary>Closes CRIU's pipes: it fails.</summary>
    public void CloseImages(Exception reason) => _server?.Abort(reason);

    /// <summary>CRIU has ended: so does what served it.</summary>
    public async Task CloseAsync()
    {
        CloseImages(new OperationFailedException("criu-ended", "CRIU ended."));
        await _served.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Tells the owner to kill everything, also a root that it handed over already: as long as this connection lasts it can. Never throws.</summary>
    public void Abandon()
    {
        try
        {
            _connection?.Send("abandon");
        }
        catch (Exception e) when (e is PlatformException or TimeoutException)
        {
            // It hangs: who looks afterwards kills what is left.
            EngineLog.CleanupFailed(_services.Logger, e, _id, Tree.Label(Reader.Info.Id.ToString()));
        }
    }

    /// <summary>The first cause of a restore that did not come about.</summary>
    /// <param name="allowed">The wait at the hook.</param>
    public Exception Cause(Task allowed)
    {
        // What broke the stream on our side is the cause of CRIU's failure; that CRIU left is only its consequence.
        if (_served.Exception?.InnerException is { } streamError
            and not CheckpointerException { Code: "criu-ended" or "stream-no-peer" or "cancelled" })
        {
            return streamError;
        }

        if (allowed.Exception?.InnerException is CheckpointerException veto)
        {
            return veto;
        }

        var errors = Path.Combine(Tree.TreeDirectory, "criu.err");
        return CriuWords.Failure(
            new CriuResult(_criuExit, BoundedText.Read(errors), Tree.LogPath, TimeSpan.Zero), $"restore {Tree.Label(Reader.Info.Id.ToString())}");
    }

    public async ValueTask DisposeAsync()
    {
        _call?.Dispose();
        _gate.Dispose();
        _connection?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync().ConfigureAwait(false);
        }

        _pool.Dispose();
    }

    private async Task<byte[]?> ReadSmallAsync(string name, int maxLength) =>
        Reader.Contains(Tree.Prefix + name) ? await Reader.ReadSmallFileAsync(Tree.Prefix + name, maxLength, _abort.Token).ConfigureAwait(false) : null;

    /// <summary>Reads the owner's report: the root's pid in the owner's namespace, or null when CRIU failed.</summary>
    private int? AwaitRoot(TreeConnection connection, CancellationToken cancellationToken)
    {
        while (connection.ReadLine(cancellationToken) is { } line)
        {
            var parts = line.Split(' ');
            if (parts is ["root", var pid] && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var root))
            {
                return root;
            }

            if (parts is ["criu", not "0" and var code])
            {
                _criuExit = int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 1;
                return null;
            }

            if (parts is ["error", ..])
            {
                return null;
            }
        }

        return null;
    }
}
