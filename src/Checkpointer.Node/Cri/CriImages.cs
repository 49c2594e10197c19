using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Node.Cri;

/// <summary>Images of the node.</summary>
internal static class CriImages
{
    /// <summary>The image of that name, digest or id; null where the node has none.</summary>
    public static async Task<Image?> FindAsync(CriConnection connection, string reference, CancellationToken cancellationToken)
    {
        var answer = await connection.FindAsync(
            $"looking for the image {CriErrors.Quote(reference)}",
            o => connection.Images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = reference } }, o),
            CriConnection.Short,
            cancellationToken).ConfigureAwait(false);
        return answer?.Image;
    }

    /// <summary>One name of each image by its id; an image without a name is left out.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> NamesAsync(CriConnection connection, CancellationToken cancellationToken)
    {
        var answer = await connection.CallAsync(
            "listing the images", o => connection.Images.ListImagesAsync(new ListImagesRequest(), o), CriConnection.Short, cancellationToken)
            .ConfigureAwait(false);
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var image in answer.Images)
        {
            if (image.RepoTags.Concat(image.RepoDigests).FirstOrDefault() is { } name)
            {
                names[image.Id] = name;
            }
        }

        return names;
    }
}
