using Checkpointer.Engine.Containers;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Node.Cri;

/// <summary>Makes and removes sandboxes with a container that waits for its restore.</summary>
internal sealed class PlaceholderMaker(CriConnection connection, CriOptions options)
{
    /// <summary>For putting back what was made: also where the caller has given up.</summary>
    private static readonly TimeSpan CleanupTimeout = TimeSpan.FromMinutes(3);

    private const UnixFileMode LogMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>See <see cref="IContainerRuntime.CreatePlaceholderAsync"/>.</summary>
    public async Task<ContainerRecord> CreateAsync(
        ContainerRecord record, string init, ContainerInspector inspector, CancellationToken cancellationToken) =>
        (await CreateAsync([record], init, inspector, cancellationToken).ConfigureAwait(false))[0];

    /// <summary>See <see cref="IContainerRuntime.CreatePodAsync"/>.</summary>
    public async Task<IReadOnlyList<ContainerRecord>> CreateAsync(
        IReadOnlyList<ContainerRecord> records, string init, ContainerInspector inspector, CancellationToken cancellationToken)
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
            specs.Add(new PlaceholderSpec(record, Path.GetFullPath(init), image, options.LogDirectory, specs.FirstOrDefault()));
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

    /// <summary>Removes the placeholder with its sandbox and its log; one that has gone already is no error.</summary>
    /// <exception cref="UsageException">Code <c>not-a-placeholder</c>: somebody else made it.</exception>
    public async Task RemoveAsync(ContainerRecord placeholder, CancellationToken cancellationToken)
    {
        var sandbox = placeholder.SandboxId ?? throw NotOurs(placeholder);
        var answer = await connection.FindAsync(
            $"telling the status of {placeholder.Label}",
            o => connection.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = sandbox }, o),
            CriConnection.Short,
            cancellationToken).ConfigureAwait(false);
        if (answer?.Status is not { } status)
        {
            return;
        }

        if (!status.Labels.TryGetValue(PlaceholderSpec.Label, out var uid) || uid != status.Metadata?.Uid)
        {
            throw NotOurs(placeholder);
        }

        await RemoveSandboxAsync(sandbox, cancellationToken).ConfigureAwait(false);
        RemoveLogs(Path.Combine(options.LogDirectory, PlaceholderSpec.PathPart($"{status.Metadata.Namespace}_{status.Metadata.Name}_{uid}")));
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
            var left = await connection.CallAsync(
                "listing what was made",
                o => connection.Runtime.ListPodSandboxAsync(
                    new ListPodSandboxRequest { Filter = new PodSandboxFilter { LabelSelector = { { PlaceholderSpec.Label, spec.Uid } } } }, o),
                CriConnection.Short,
                timeout.Token).ConfigureAwait(false);
            foreach (var sandbox in left.Items)
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

    private static void RemoveLogs(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static UsageException NotOurs(ContainerRecord container) => new(
        "not-a-placeholder", $"{container.Label} was not made by checkpointer", "Remove it with the tool that made it.");
}
