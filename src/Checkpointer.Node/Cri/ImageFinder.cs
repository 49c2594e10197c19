using Checkpointer.Engine.Containers;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Node.Cri;

/// <summary>The image that a recorded container was made from, on this node.</summary>
internal sealed class ImageFinder(CriConnection connection)
{
    /// <summary>Images for GPUs have many gigabytes.</summary>
    private static readonly TimeSpan PullTimeout = TimeSpan.FromMinutes(20);

    /// <summary>The name or id to give to CRI; pulls the image where the node has none.</summary>
    /// <exception cref="UsageException">Code <c>image-missing</c>.</exception>
    public async Task<string> RequireAsync(ContainerRecord record, CancellationToken cancellationToken)
    {
        if (record.ImageDigest is { } digest && await CriImages.FindAsync(connection, digest, cancellationToken).ConfigureAwait(false) is not null)
        {
            return digest;
        }

        var here = await CriImages.FindAsync(connection, record.Image, cancellationToken).ConfigureAwait(false);
        if (here is not null && IsSame(here, record))
        {
            return here.Id;
        }

        var pulled = await PullAsync(record, here, cancellationToken).ConfigureAwait(false);
        return IsSame(pulled, record) ? pulled.Id : throw Missing(record, pulled, null);
    }

    private async Task<Image> PullAsync(ContainerRecord record, Image? here, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await connection.CallAsync(
                $"pulling {record.Image}",
                o => connection.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = record.Image } }, o),
                PullTimeout,
                cancellationToken).ConfigureAwait(false);
            return await CriImages.FindAsync(connection, answer.ImageRef, cancellationToken).ConfigureAwait(false) ?? new Image { Id = answer.ImageRef };
        }
        catch (CheckpointerException e)
        {
            throw Missing(record, here, e);
        }
    }

    /// <summary>A tag may have moved on: only the same content is the same image.</summary>
    private static bool IsSame(Image image, ContainerRecord record)
    {
        return record.ImageDigest is not { } digest || ContainerInspector.DigestIn(image.Id) == digest
            || image.RepoDigests.Any(d => ContainerInspector.DigestIn(d) == digest);
    }

    private static UsageException Missing(ContainerRecord record, Image? other, CheckpointerException? inner)
    {
        var wanted = record.ImageDigest is { } digest ? $"{record.Image} ({digest})" : record.Image;
        var found = other is null ? "" : $"; {record.Image} is {ContainerInspector.DigestIn(other.Id) ?? other.Id} here";
        var why = inner is null ? "" : $"; it cannot be pulled: {inner.Message}";
        return new UsageException(
            "image-missing",
            $"the image {wanted} is not on this node{found}{why}",
            "Pull or import exactly that image here (crictl pull, ctr -n k8s.io images import); then restore again.",
            inner);
    }
}
