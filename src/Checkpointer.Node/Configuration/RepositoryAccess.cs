using Checkpointer.Repository;

namespace Checkpointer.Node;

/// <summary>
/// Which repository and key file a request may use. With repositories in the configuration: those, by name or URL, with their
/// own key files, so that no request makes the service read a file of the caller's choice. Without any (development): what
/// the request says; the caller is root.
/// </summary>
internal sealed class RepositoryAccess(IReadOnlyDictionary<string, RepositoryEntry> configured)
{
    public RepositoryEntry Resolve(string? repository, string? keyFile)
    {
        return configured.Count == 0 ? FromRequest(repository, keyFile) : FromConfiguration(repository, keyFile);
    }

    /// <summary>Whether a repository means the same to the caller and to us: an absolute path or a URL, not a relative path.</summary>
    public static bool IsAbsolute(string repository)
    {
        return repository.StartsWith('/')
            || repository.StartsWith("file:/", StringComparison.Ordinal)
            || repository.IndexOf("://", StringComparison.Ordinal) > 0
            || repository.StartsWith("azure:", StringComparison.Ordinal)
            || repository.StartsWith("azurite:", StringComparison.Ordinal);
    }

    private RepositoryEntry FromConfiguration(string? repository, string? keyFile)
    {
        var entry = Find(repository);
        if (!string.IsNullOrEmpty(keyFile) && keyFile != entry.KeyFile)
        {
            throw new UsageException(
                "key-file-not-configured",
                $"This service uses {entry.KeyFile} for {RepositoryUrl.WithoutSecret(entry.Url)}, not {keyFile}.",
                "Leave the key file out of the request, or change it in the service's configuration.");
        }

        return entry;
    }

    private RepositoryEntry Find(string? repository)
    {
        if (string.IsNullOrEmpty(repository))
        {
            return configured.Count == 1
                ? configured.Values.First()
                : throw new UsageException("repository-missing", "The request names no repository.", $"Name one of: {Names}.");
        }

        if (configured.TryGetValue(repository, out var named))
        {
            return named;
        }

        var wanted = Normalise(repository);
        foreach (var entry in configured.Values)
        {
            if (Normalise(entry.Url) == wanted)
            {
                return entry;
            }
        }

        throw new UsageException(
            "repository-not-configured",
            $"The repository '{RepositoryUrl.WithoutSecret(repository)}' is not in this service's configuration.",
            $"Name one of: {Names}; or add it to the configuration and restart the service.");
    }

    private string Names => string.Join(", ", configured.Select(c => $"{c.Key} ({RepositoryUrl.WithoutSecret(c.Value.Url)})"));

    private static RepositoryEntry FromRequest(string? repository, string? keyFile)
    {
        if (string.IsNullOrEmpty(repository))
        {
            throw new UsageException(
                "repository-missing", "The request names no repository.", "Name one with --repo, or configure one for the service.");
        }

        if (!IsAbsolute(repository))
        {
            throw new UsageException(
                "repository-relative",
                $"'{RepositoryUrl.WithoutSecret(repository)}' is neither an absolute path nor a URL.",
                "Write the whole path: the service has another working directory.");
        }

        var key = string.IsNullOrEmpty(keyFile) ? NodeConfiguration.DefaultKeyFile : keyFile;
        if (!KeyReference.Parse(key).IsAbsolute)
        {
            throw new UsageException(
                "key-file-relative",
                $"'{key}' is not an absolute path.",
                "Write the whole path: the service has another working directory.");
        }

        return new RepositoryEntry(repository, key);
    }

    private static string Normalise(string repository)
    {
        var path = repository.StartsWith("file://", StringComparison.Ordinal) ? repository["file://".Length..]
            : repository.StartsWith("file:", StringComparison.Ordinal) ? repository["file:".Length..]
            : repository;
        path = RepositoryUrl.WithoutSecret(path);
        return path.Length > 1 ? path.TrimEnd('/') : path;
    }
}
