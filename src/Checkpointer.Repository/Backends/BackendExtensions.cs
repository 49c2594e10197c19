using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>Whole small objects in one call.</summary>
public static class BackendExtensions
{
    /// <summary>Uploads and commits. False: an object of that name exists.</summary>
    public static bool Put(this IBackend backend, string name, ReadOnlySpan<byte> data, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backend);
        using IObjectUpload upload = backend.BeginPut(name, cancellationToken);
        upload.Append(data);
        return upload.Commit();
    }

    /// <summary>The whole object; null when absent. An object longer than <paramref name="maxLength"/> bytes is repository-damaged.</summary>
    public static async Task<byte[]?> TryReadAllAsync(this IBackend backend, string name, int maxLength, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backend);
        ObjectInfo? info = await backend.StatAsync(name, cancellationToken).ConfigureAwait(false);
        if (info is null)
        {
            return null;
        }

        if (info.Value.Length > maxLength)
        {
            throw Damage.Of(name, string.Create(CultureInfo.InvariantCulture, $"{info.Value.Length} bytes, more than the {maxLength} that it may have"));
        }

        byte[] data = new byte[info.Value.Length];
        try
        {
            int read = await backend.ReadAsync(name, 0, data, cancellationToken).ConfigureAwait(false);
            return read == data.Length ? data : throw Damage.Of(name, "it ended early");
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.ObjectMissing)
        {
            return null;
        }
    }
}
