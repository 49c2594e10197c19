using System.Text.RegularExpressions;
using Checkpointer.Engine.Containers;
using Checkpointer.Node.Cri.Protocol;
using Google.Protobuf.Collections;

namespace Checkpointer.Node.Cri;

/// <summary>Asks a runtime for all that it tells about one running container.</summary>
internal sealed partial class ContainerInspector(CriConnection connection, VersionResponse version)
{
    /// <summary>Characters of all labels or annotations together; Kubernetes allows as many.</summary>
    private const int MaxMapChars = 256 << 10;

    /// <exception cref="UsageException">Codes <c>container-not-found</c>, <c>container-not-running</c>: it ended meanwhile.</exception>
    /// <exception cref="HostException">Codes <c>container-process</c>, <c>runtime-answer</c>, <c>runtime-unreachable</c>.</exception>
    public async Task<ContainerRecord> InspectAsync(ContainerSummary container, CancellationToken cancellationToken)
    {
        var label = $"{container.Label} ({ContainerNames.Short(container.Id)})";
        var answer = await connection.FindAsync(
            $"telling the status of {label}",
            o => connection.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = container.Id, Verbose = true }, o),
            CriConnection.Short,
            cancellationToken).ConfigureAwait(false);
        if (answer?.Status is not { } status)
        {
            throw new UsageException("container-not-found", $"{label} has gone", "'checkpointer containers' lists what runs.");
        }

        if (status.State != ContainerState.ContainerRunning)
        {
            throw new UsageException(
                "container-not-running", $"{label} has ended", "Only a running container can be checkpointed or restored into.");
        }

        using var info = VerboseInfo.Read(answer.Info, label);
        var pid = ContainerProcess.Check(info.Pid, container.Id, label);
        var pod = await PodAsync(container.SandboxId, label, cancellationToken).ConfigureAwait(false);
        using var sandbox = pod is null ? VerboseInfo.None : VerboseInfo.Read(pod.Info, $"the pod of {label}");
        var image = Named(status.Image?.UserSpecifiedImage) ?? Named(status.Image?.Image) ?? container.Image;
        return new ContainerRecord
        {
            Id = container.Id,
            Name = container.Name,
            PodName = container.PodName,
            PodNamespace = container.PodNamespace,
            PodUid = Named(pod?.Status?.Metadata?.Uid),
            SandboxId = container.SandboxId,
            Pid = pid,
            Image = image,
            ImageDigest = await DigestAsync(status, cancellationToken).ConfigureAwait(false),
            Runtime = version.RuntimeName,
            RuntimeVersion = Named(version.RuntimeVersion),
            LogPath = Named(status.LogPath),
            Volumes = [.. status.Mounts.Take(JsonParts.MaxEntries).Where(static m => m.ContainerPath.StartsWith('/')).Select(Volume)],
            Labels = Bounded(status.Labels),
            Annotations = Bounded(status.Annotations),
            Template = ContainerTemplates.Read(info, sandbox, pod?.Status),
        };
    }

    private Task<PodSandboxStatusResponse?> PodAsync(string? sandbox, string label, CancellationToken cancellationToken)
    {
        return sandbox is null ? Task.FromResult<PodSandboxStatusResponse?>(null) : connection.FindAsync(
            $"telling the status of the pod of {label}",
            o => connection.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = sandbox, Verbose = true }, o),
            CriConnection.Short,
            cancellationToken);
    }

    /// <summary>
    /// The image's id, which is the digest of its configuration: the same wherever the image came from, unlike the digests that
    /// registries give. An image that was removed while its container runs is known by what the container says.
    /// </summary>
    private async Task<string?> DigestAsync(ContainerStatus status, CancellationToken cancellationToken)
    {
        foreach (var reference in new[] { status.ImageId, status.ImageRef }.Where(static r => r.Length > 0))
        {
            var image = await CriImages.FindAsync(connection, reference, cancellationToken).ConfigureAwait(false);
            if (image is not null && DigestIn(image.Id) is { } id)
            {
                return id;
            }
        }

        return DigestIn(status.ImageId) ?? DigestIn(status.ImageRef);
    }

    /// <summary><c>sha256:HEX</c> out of a digest, a bare id (as CRI-O tells it) or a reference by digest.</summary>
    public static string? DigestIn(string reference)
    {
        return Digest().Match(reference) is { Success: true } match ? $"sha256:{match.Groups[1].Value}" : null;
    }

    private static ContainerVolume Volume(Mount mount) => new(mount.ContainerPath, mount.HostPath, mount.Readonly, mount.Propagation switch
    {
        MountPropagation.PropagationHostToContainer => "host-to-container",
        MountPropagation.PropagationBidirectional => "bidirectional",
        _ => "private",
    });

    /// <summary>What fits; the rest is nobody's business that checkpoints.</summary>
    private static Dictionary<string, string> Bounded(MapField<string, string> map)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        var chars = 0L;
        foreach (var (key, value) in map.OrderBy(static p => p.Key, StringComparer.Ordinal))
        {
            chars += key.Length + value.Length;
            if (chars > MaxMapChars)
            {
                break;
            }

            result[key] = value;
        }

        return result;
    }

    private static string? Named(string? text) => string.IsNullOrEmpty(text) ? null : text;

    [GeneratedRegex(@"^(?:.*@)?(?:sha256:)?([0-9a-f]{64})$", RegexOptions.CultureInvariant)]
    private static partial Regex Digest();
}
