namespace Checkpointer.Repository;

/// <summary>Turns what the system says about a store into one <see cref="RepositoryException"/> that tells the store's state.</summary>
internal static class StoreError
{
    private const int Enospc = 28;
    private const int Edquot = 122;

    /// <summary>True for the exceptions that file access raises on purpose; anything else is a bug and passes.</summary>
    public static bool IsExpected(Exception e) => e is IOException or UnauthorizedAccessException or PlatformException;

    /// <param name="e">What the system raised.</param>
    /// <param name="place">The store, for people.</param>
    /// <param name="name">The object concerned; null for the store as a whole.</param>
    public static RepositoryException From(Exception e, string place, string? name)
    {
        string at = name is null ? place : $"{name} in {place}";
        int errno = e is PlatformException platform ? platform.Errno : e.HResult;
        if (errno is Enospc or Edquot)
        {
            return new RepositoryException(
                RepositoryCodes.StoreFull,
                $"the store is full: {at} could not be written ({e.Message}); no committed snapshot is affected",
                "free space in the store (delete snapshots and prune), then try again",
                e)
            { ObjectName = name };
        }

        if (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new RepositoryException(RepositoryCodes.ObjectMissing, $"{at} does not exist", null, e) { ObjectName = name };
        }

        string remedy = e is UnauthorizedAccessException ? "check the permissions of the store" : "check the store, then try again";
        return new RepositoryException(RepositoryCodes.StoreFailed, $"the store failed at {at}: {e.Message}; no committed snapshot is affected", remedy, e)
        { ObjectName = name };
    }
}
