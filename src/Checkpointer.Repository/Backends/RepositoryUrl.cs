namespace Checkpointer.Repository;

/// <summary>Turns what a person writes behind <c>--repo</c> into a backend.</summary>
public static class RepositoryUrl
{
    /// <summary>
    /// The same place without the signature that a URL may carry: for messages, journals, and to tell whether two texts mean one place.
    /// Only a text that still has its signature, or an environment that gives one, opens the place.
    /// </summary>
    public static string WithoutSecret(string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        int colon = url.IndexOf(':', StringComparison.Ordinal);
        int question = url.IndexOf('?', StringComparison.Ordinal);
        return colon > 0 && question > colon && AzureUrl.IsScheme(url[..colon]) ? url[..question] : url;
    }

    /// <summary>
    /// A plain path or <c>file:PATH</c> (also <c>file:///PATH</c>) is a directory; <c>https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX</c>,
    /// <c>azure:CONTAINER/PREFIX</c> (account of the connection string) and <c>azurite:CONTAINER/PREFIX</c> (emulator) are blob containers.
    /// An unknown scheme or an empty text is a <see cref="UsageException"/> (code repository-url).
    /// Nothing is touched: whether the place exists is told by the first use.
    /// </summary>
    /// <param name="url">As a person wrote it.</param>
    /// <param name="trouble">Hears, from any thread, of a store far away that does not work for the moment, while it is still tried.</param>
    public static IBackend Open(string url, Action<StoreTrouble>? trouble = null)
    {
        if (string.IsNullOrWhiteSpace(url))
        {
            throw new UsageException("repository-url", "no repository was named", "name one with --repo, for example --repo /srv/checkpoints");
        }

        if (url.Contains('\0', StringComparison.Ordinal))
        {
            throw new UsageException("repository-url", "the name of the repository holds a zero character", "write a path");
        }

        int colon = url.IndexOf(':', StringComparison.Ordinal);
        int slash = url.IndexOf('/', StringComparison.Ordinal);
        if (colon <= 0 || (slash >= 0 && slash < colon))
        {
            return new DirectoryBackend(url);
        }

        string scheme = url[..colon];
        if (AzureUrl.IsScheme(scheme))
        {
            AzureOptions options = new() { Trouble = trouble };
            return new AzureBlobBackend(AzureUrl.Parse(url, options.Environment), options);
        }

        if (!scheme.Equals("file", StringComparison.OrdinalIgnoreCase))
        {
            throw new UsageException("repository-url", $"'{scheme}:' is not a kind of repository that this version knows", "use a directory (a plain path or file:PATH) or https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX");
        }

        string path = url[(colon + 1)..];
        path = path.StartsWith("///", StringComparison.Ordinal) ? path[2..] : path;
        if (path.Length == 0 || path.StartsWith("//", StringComparison.Ordinal))
        {
            throw new UsageException("repository-url", $"'{url}' names no local directory", "write file:/absolute/path or a plain path");
        }

        return new DirectoryBackend(path);
    }
}
