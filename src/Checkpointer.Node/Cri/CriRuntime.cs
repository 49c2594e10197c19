using Checkpointer.Engine.Containers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Node.Cri;

/// <summary>
/// A container runtime that serves CRI version 1 on a unix socket: containerd 1.6 and newer, CRI-O. Making the object connects nothing;
/// the first call finds the runtime, and later ones reach it again after a restart. May be used by several threads.
/// </summary>
public sealed class CriRuntime(CriOptions options, TimeProvider time, ILogger? logger = null) : IContainerRuntime, IDisposable
{
    private readonly CriConnector _connector = new(options, time);

    /// <summary>Which runtime answers, and where.</summary>
    public async Task<CriRuntimeInfo> DescribeAsync(CancellationToken cancellationToken)
    {
        var connection = await _connector.GetAsync(cancellationToken).ConfigureAwait(false);
        var version = await CriConnector.VersionAsync(connection, cancellationToken).ConfigureAwait(false);
        return new CriRuntimeInfo(connection.Socket, version.RuntimeName, version.RuntimeVersion);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ContainerSummary>> ListAsync(CancellationToken cancellationToken)
    {
        var connection = await _connector.GetAsync(cancellationToken).ConfigureAwait(false);
        return await CriLists.ContainersAsync(connection, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<ContainerRecord> FindAsync(string name, CancellationToken cancellationToken)
    {
        var connection = await _connector.GetAsync(cancellationToken).ConfigureAwait(false);
        var all = await CriLists.ContainersAsync(connection, cancellationToken).ConfigureAwait(false);
        var inspector = await InspectorAsync(connection, cancellationToken).ConfigureAwait(false);
        return await inspector.InspectAsync(ContainerNames.Find(all, name), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ContainerRecord>> FindPodAsync(string name, CancellationToken cancellationToken)
    {
        var connection = await _connector.GetAsync(cancellationToken).ConfigureAwait(false);
        var pod = ContainerNames.FindPod(await CriLists.PodsAsync(connection, cancellationToken).ConfigureAwait(false), name);
        var all = await CriLists.ContainersAsync(connection, cancellationToken).ConfigureAwait(false);
        var running = all.Where(c => c.SandboxId == pod.Id && c.State == "running").OrderBy(c => c.Created).ToList();
        if (running.Count == 0)
        {
            throw ContainerNames.PodNotRunning(name);
        }

        var inspector = await InspectorAsync(connection, cancellationToken).ConfigureAwait(false);
        var records = new List<ContainerRecord>();
        foreach (var container in running)
        {
            records.Add(await inspector.InspectAsync(container, cancellationToken).ConfigureAwait(false));
        }

        return records;
    }

    /// <inheritdoc/>
    public async Task<ContainerRecord> InspectAsync(ContainerSummary container, CancellationToken cancellationToken)
    {
        var connection = await _connector.GetAsync(cancellationToken).ConfigureAwait(false);
        var inspector = await InspectorAsync(connection, cancellationToken).ConfigureAwait(false);
        return await inspector.InspectAsync(container, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ContainerRecord>> CreatePodAsync(
        IReadOnlyList<ContainerRecord> records, string uid, string init, CancellationToken cancellationToken)
    {
        var connection = await _connector.GetAsync(cancellationToken).ConfigureAwait(false);
        var inspector = await InspectorAsync(connection, cancellationToken).ConfigureAwait(false);
        return await Maker(connection).CreateAsync(records, uid, init, inspector, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<bool> RemovePodAsync(string uid, CancellationToken cancellationToken) =>
        await Maker(await _connector.GetAsync(cancellationToken).ConfigureAwait(false)).RemoveAsync(uid, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> MadePodsAsync(CancellationToken cancellationToken) =>
        await Maker(await _connector.GetAsync(cancellationToken).ConfigureAwait(false)).MadeAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// Which containers begin and cease to run, from those that run now. Ends by cancellation only: a runtime that does not answer is
    /// waited for (and logged), and what changed meanwhile is told when it is back.
    /// </summary>
    public IAsyncEnumerable<ContainerChange> WatchAsync(CancellationToken cancellationToken)
    {
        return new ContainerWatcher(_connector, options, time, logger ?? NullLogger.Instance).WatchAsync(cancellationToken);
    }

    public void Dispose() => _connector.Dispose();

    private PlaceholderMaker Maker(CriConnection connection) => new(connection, options, logger ?? NullLogger.Instance);

    private static async Task<ContainerInspector> InspectorAsync(CriConnection connection, CancellationToken cancellationToken)
    {
        var version = await CriConnector.VersionAsync(connection, cancellationToken).ConfigureAwait(false);
        return new ContainerInspector(connection, version);
    }
}

/// <summary>A runtime.</summary>
/// <param name="Socket">Where it listens.</param>
/// <param name="Name"><c>containerd</c>, <c>cri-o</c>, ...</param>
/// <param name="Version">As it says.</param>
public sealed record CriRuntimeInfo(string Socket, string Name, string Version);
