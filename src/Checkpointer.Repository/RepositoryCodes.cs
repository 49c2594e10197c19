namespace Checkpointer.Repository;

/// <summary>The stable codes of every <see cref="RepositoryException"/> that this library throws.</summary>
public static class RepositoryCodes
{
    /// <summary>init found a repository there already; nothing was changed.</summary>
    public const string RepositoryExists = "repository-exists";

    /// <summary>There is no repository at that place.</summary>
    public const string RepositoryNotFound = "repository-not-found";

    /// <summary>The key file does not open this repository.</summary>
    public const string WrongKey = "wrong-key";

    /// <summary>An object of the repository is missing, truncated or changed; the message names it.</summary>
    public const string Damaged = "repository-damaged";

    /// <summary>Written by a newer version of the format than this program reads.</summary>
    public const string TooNew = "repository-too-new";

    /// <summary>The key file is missing.</summary>
    public const string KeyFileNotFound = "key-file-not-found";

    /// <summary>The key file is there but is not one, or could not be read.</summary>
    public const string KeyFileInvalid = "key-file-invalid";

    /// <summary>The passphrase file is missing.</summary>
    public const string PassphraseFileNotFound = "passphrase-file-not-found";

    /// <summary>The passphrase is empty, too long, has several lines, or could not be read.</summary>
    public const string PassphraseInvalid = "passphrase-invalid";

    /// <summary>No key of the repository has that id or label.</summary>
    public const string KeyNotFound = "key-not-found";

    /// <summary>Several keys match.</summary>
    public const string KeyAmbiguous = "key-ambiguous";

    /// <summary>It is the key that opened the repository; nothing was changed.</summary>
    public const string KeyInUse = "key-in-use";

    /// <summary>It is the last key that is known to open the repository; nothing was changed.</summary>
    public const string KeyLast = "key-last";

    /// <summary>A key of that id is there already, with another secret; nothing was changed.</summary>
    public const string KeyExists = "key-exists";

    /// <summary>No snapshot has that id, prefix or name.</summary>
    public const string SnapshotNotFound = "snapshot-not-found";

    /// <summary>Several snapshots or lineages match.</summary>
    public const string SnapshotAmbiguous = "snapshot-ambiguous";

    /// <summary>Another writer committed this generation first; nothing of ours is visible.</summary>
    public const string GenerationTaken = "generation-taken";

    /// <summary>The target of a copy has another snapshot of that id.</summary>
    public const string CopyConflict = "copy-conflict";

    /// <summary>The snapshot holds no such file.</summary>
    public const string FileNotFound = "snapshot-file-not-found";

    /// <summary>A snapshot outgrew a bound of the format (files, manifest size); nothing was committed.</summary>
    public const string LimitExceeded = "snapshot-limit-exceeded";

    /// <summary>The store has no space left; nothing was committed.</summary>
    public const string StoreFull = "store-full";

    /// <summary>The store failed or refused; the message holds what it said.</summary>
    public const string StoreFailed = "store-failed";

    /// <summary>The store cannot be reached: no such account, no network, no answer.</summary>
    public const string StoreUnreachable = "store-unreachable";

    /// <summary>The store turned requests away for too long because it is too busy.</summary>
    public const string StoreBusy = "store-busy";

    /// <summary>The store does not accept the credentials, or there are none.</summary>
    public const string StoreCredentials = "store-credentials";

    /// <summary>The credentials were good once (or will be): a signature's dates do not cover the present.</summary>
    public const string CredentialsExpired = "store-credentials-expired";

    /// <summary>The store knows who asks and does not allow it.</summary>
    public const string StoreDenied = "store-denied";

    /// <summary>The blob container does not exist.</summary>
    public const string ContainerNotFound = "container-not-found";

    /// <summary>This node's clock and the store's are too far apart.</summary>
    public const string ClockDrift = "clock-drift";

    /// <summary>The object that was asked for is not in the store.</summary>
    public const string ObjectMissing = "object-missing";

    /// <summary>A writer's intent was removed from locks/writers/ (unlock --all), so what it reuses may be gone; nothing was committed.</summary>
    public const string IntentLost = "intent-lost";

    /// <summary>A writer ran for longer than prune waits for one; nothing was committed.</summary>
    public const string WriterTooOld = "writer-too-old";

    /// <summary>Somebody else holds the lease that is needed; nothing was changed.</summary>
    public const string MaintenanceRunning = "maintenance-running";

    /// <summary>Prune found something unreadable that may name anything; nothing was deleted.</summary>
    public const string PruneRefused = "prune-refused";

    /// <summary>A lease was broken, or was renewed too late: whatever it protected must stop.</summary>
    public const string LeaseLost = "lease-lost";

    /// <summary>A worker of this library failed unexpectedly; the writer is dead.</summary>
    public const string WriterFailed = "writer-failed";
}
