using Checkpointer.Engine.Containers;
using Checkpointer.Node.Cri.Protocol;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node.Cri;

/// <summary>Makes and removes sandboxes with a container that waits for its restore.</summary>
internal sealed class PlaceholderMaker(CriConnection connection, CriOptions options, ILogger logger)
{
    /// <summary>For putting back what was made: also where the caller has given up.</summary>
    private static readonly TimeSpan CleanupTimeout = TimeSpan.FromMinutes(3);

    private const UnixFileMode LogMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>See <see cref="IContainerRuntime.CreatePodAsync"/>.</summary>
    public async Task<IReadOnlyList<ContainerRecord>> CreateAsync(
        IReadOnlyList<ContainerRecord> records, string uid, string init, ContainerInspector inspector, CancellationToken cancellationToken)
    {
        if (!File.Exists(init))
        {
            throw new HostException("helper-missing", $"{init} is not there", "Install checkpointer-init beside checkpointer.");
        }

        // Every image before anything is made.
        var images = new ImageFinder(connection);
        List<PlaceholderSpec> specs = [];
        foreach (var record in records)
        {
            var image = await images.RequireAsync(record, cancellationToken).ConfigureAwait(false);
            specs.Add(new PlaceholderSpec(record, Path.GetFullPath(init), image, options.LogDirectory, uid, specs.FirstOrDefault()));
        }

        try
        {
            var sandbox = await MakeSandboxAsync(specs, cancellationToken).ConfigureAwait(false);
            List<ContainerRecord> made = [];
            foreach (var spec in specs)
            {
                var container = await MakeAsync(spec, sandbox, cancellationToken).ConfigureAwait(false);
                made.Add(await inspector.InspectAsync(container, cancellationToken).ConfigureAwait(false));
            }

            return made;
        }
        catch (Exception e)
        {
            await CleanUpAsync(specs[0], e).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>See <see cref="IContainerRuntime.RemovePodAsync"/>. The pod's logs go, too.</summary>
    public async Task<bool> RemoveAsync(string uid, CancellationToken cancellationToken)
    {
        var made = (await ListAsync(uid, cancellationToken).ConfigureAwait(false)).Where(IsMade).ToList();
        foreach (var sandbox in made)
        {
            await RemoveSandboxAsync(sandbox.Id, cancellationToken).ConfigureAwait(false);
            RemoveLogs(Path.Combine(options.LogDirectory, PlaceholderSpec.PathPart($"{sandbox.Metadata.Namespace}_{sandbox.Metadata.Name}_{uid}")));
        }

        return made.Count > 0;
    }

    /// <summary>See <see cref="IContainerRuntime.MadePodsAsync"/>.</summary>
    public async Task<IReadOnlyList<string>> MadeAsync(CancellationToken cancellationToken) =>
        [.. (await ListAsync(null, cancellationToken).ConfigureAwait(false)).Where(IsMade).Select(static s => s.Metadata.Uid)];

    /// <summary>A label can be copied by anybody; the uid is the pod's own.</summary>
    private static bool IsMade(PodSandbox sandbox) => sandbox.Labels.TryGetValue(PlaceholderSpec.Label, out var uid) && uid == sandbox.Metadata?.Uid;

    private async Task<IReadOnlyList<PodSandbox>> ListAsync(string? uid, CancellationToken cancellationToken)
    {
        var filter = new PodSandboxFilter();
        if (uid is not null)
        {
            filter.LabelSelector[PlaceholderSpec.Label] = uid;
        }

        var answer = await connection.CallAsync(
            "listing what was made", o => connection.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest { Filter = filter }, o), CriConnection.Short, cancellationToken)
            .ConfigureAwait(false);
        return answer.Items;
    }

    private async Task<string> MakeSandboxAsync(List<PlaceholderSpec> specs, CancellationToken cancellationToken)
    {
        foreach (var directory in specs.Select(static s => s.ContainerLogDirectory))
        {
            try
            {
                Directory.CreateDirectory(directory, LogMode);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new HostException("log-directory", $"{directory} cannot be made: {e.Message}", "Run as root.", e);
            }
        }

        var spec = specs[0];
        var sandbox = await connection.CallAsync(
            $"making the pod of {NameOf(spec)}",
            o => connection.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = spec.Sandbox, RuntimeHandler = spec.RuntimeHandler }, o),
            CriConnection.Long,
            cancellationToken).ConfigureAwait(false);
        return sandbox.PodSandboxId;
    }

    private static string NameOf(PlaceholderSpec spec) => $"{spec.Sandbox.Metadata.Namespace}/{spec.Sandbox.Metadata.Name}/{spec.Container.Metadata.Name}";

    private async Task<ContainerSummary> MakeAsync(PlaceholderSpec spec, string sandbox, CancellationToken cancellationToken)
    {
        var name = NameOf(spec);
        var container = await connection.CallAsync(
            $"making the container {name}",
            o => connection.Runtime.CreateContainerAsync(
                new CreateContainerRequest { PodSandboxId = sandbox, Config = spec.Container, SandboxConfig = spec.Sandbox }, o),
            CriConnection.Long,
            cancellationToken).ConfigureAwait(false);
        await connection.CallAsync(
            $"starting the container {name}",
            o => connection.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = container.ContainerId }, o),
            CriConnection.Long,
            cancellationToken).ConfigureAwait(false);
        return new ContainerSummary
        {
            Id = container.ContainerId,
            Name = spec.Container.Metadata.Name,
            PodName = spec.Sandbox.Metadata.Name,
            PodNamespace = spec.Sandbox.Metadata.Namespace,
            SandboxId = sandbox,
            Image = spec.Container.Image.UserSpecifiedImage,
            State = "running",
            Created = default,
        };
    }

    /// <summary>
    /// By label and not by id: a call that was given up or timed out may have made a sandbox whose id never came. What cannot be
    /// removed is told with what it was removed for.
    /// </summary>
    private async Task CleanUpAsync(PlaceholderSpec spec, Exception cause)
    {
        using var timeout = new CancellationTokenSource(CleanupTimeout);
        try
        {
            foreach (var sandbox in await ListAsync(spec.Uid, timeout.Token).ConfigureAwait(false))
            {
                await RemoveSandboxAsync(sandbox.Id, timeout.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is CheckpointerException or OperationCanceledException)
        {
            var first = (cause as CheckpointerException)?.Message ?? "it was cancelled";
            throw new OperationFailedException(
                "placeholder-left",
                $"{first}; and what had been made could not be removed: {e.Message}",
                $"Remove the pod {spec.Sandbox.Metadata.Namespace}/{spec.Sandbox.Metadata.Name} with uid {spec.Uid} (crictl pods, crictl rmp -f).",
                cause);
        }

        RemoveLogs(spec.LogDirectory);
    }

    private async Task RemoveSandboxAsync(string sandbox, CancellationToken cancellationToken)
    {
        // Stopping kills what runs in it.
        await connection.FindAsync(
            "stopping the placeholder's pod",
            o => connection.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = sandbox }, o),
            CriConnection.Long,
            cancellationToken).ConfigureAwait(false);
        await connection.FindAsync(
            "removing the placeholder's pod",
            o => connection.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = sandbox }, o),
            CriConnection.Long,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A log that cannot be removed hides no error, and is none.</summary>
    internal void RemoveLogs(string directory)
    {
        try
        {
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            NodeLog.LogsLeft(logger, e, directory);
        }
    }
}
