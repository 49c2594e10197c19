namespace Checkpointer.Repository;

/// <summary>
/// Where the objects of a repository live. Small on purpose: everything above relies on exactly this contract,
/// and one conformance suite runs on every implementation.
/// <list type="bullet">
/// <item>Names obey <see cref="ObjectNames"/>; a name outside the rules is an <see cref="ArgumentException"/> before anything is touched.</item>
/// <item>An object is immutable: it is created once, whole, and then only read or deleted. There is no overwriting.</item>
/// <item>Atomic visibility: readers and listings see an object either not at all or whole. What an abandoned or killed upload leaves behind is invisible.</item>
/// <item>When <see cref="IObjectUpload.Commit"/> returns true, the object is durable (it survives power loss) and visible to every later read and list.</item>
/// <item>Of several uploads of one name, exactly one commit returns true; all others return false and change nothing.</item>
/// <item>Thread-safe: any number of uploads, reads and listings at a time.</item>
/// <item>Failures are <see cref="RepositoryException"/> with a code of <see cref="RepositoryCodes"/> (store-*, container-not-found, clock-drift, object-missing) that name the object.</item>
/// </list>
/// Uploads are synchronous because they are driven by dedicated threads; a backend that talks over a network does its
/// overlapping below <see cref="IObjectUpload.Append"/> with buffers of its own.
/// </summary>
public interface IBackend : IAsyncDisposable
{
    /// <summary>The place, for people: "directory /srv/checkpoints". Never holds a secret.</summary>
    string Describe();

    /// <summary>
    /// Bytes of memory that so many uploads at once take at most, beyond what is handed to them; 0 where uploads keep nothing.
    /// An operation counts them in its budget.
    /// </summary>
    long UploadBytes(int uploads) => 0;

    /// <summary>Makes the place itself where it is missing, for <c>init</c> only.</summary>
    ValueTask PrepareAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Starts an upload. The token cancels it at any point, a stalled call included where the system allows it.</summary>
    IObjectUpload BeginPut(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Reads from <paramref name="offset"/> until the destination is full or the object ends. Returns the bytes read.
    /// An absent object is code object-missing. May block the calling thread for the time of one read.
    /// </summary>
    ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>
    /// As <see cref="ReadAsync"/>, for bytes that the caller authenticates by itself: a store that verifies transfers need not. What turns out wrong is read again by
    /// <see cref="ReadAsync"/>, before anybody calls it damage.
    /// </summary>
    ValueTask<int> ReadSealedAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(name, offset, destination, cancellationToken);

    /// <summary>Length and server-side modification time, or null for an absent object.</summary>
    ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken);

    /// <summary>Every object whose name starts with <paramref name="prefix"/> (empty, or a folder name with its trailing slash), in no particular order.</summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Removes an object durably. False: it was not there.</summary>
    ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Takes an exclusive lease under a name of <c>locks/</c>; null: somebody else holds it. It ends by its disposal, or by itself, by the store's own time, when it is
    /// not renewed for <paramref name="duration"/> (15 to 60 seconds work in every store). What the lease looks like in the store is the backend's own affair.
    /// </summary>
    /// <param name="name">An object name in <c>locks/</c> that is used for nothing else.</param>
    /// <param name="note">Who holds it and why, for <see cref="FindLeaseAsync"/>; at most <see cref="LeaseInfo.MaxNote"/> bytes.</param>
    /// <param name="duration">How long the lease holds without being renewed.</param>
    /// <param name="cancellationToken">Cancels the attempt, not the lease.</param>
    ValueTask<ILease?> TryLeaseAsync(string name, ReadOnlyMemory<byte> note, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>The lease that was last taken under a name and not given back, expired or not; null: none.</summary>
    ValueTask<LeaseInfo?> FindLeaseAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Ends a lease whoever holds it: a live holder hears of it at its next renewal, and until then two may hold it. False: there was none.
    /// </summary>
    ValueTask<bool> BreakLeaseAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// What killed uploads left behind, outside the repository's names: only for <see cref="DeleteUnfinishedAsync"/>. Uploads that still run are among them.
    /// A store that forgets them by itself lists none.
    /// </summary>
    IAsyncEnumerable<ObjectInfo> ListUnfinishedAsync(CancellationToken cancellationToken);

    /// <summary>Removes one that <see cref="ListUnfinishedAsync"/> named. False: it was gone.</summary>
    ValueTask<bool> DeleteUnfinishedAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Removes what a visitor left that belongs to no object: what the store keeps of a lease's name that nobody will ever take again, and the folders
    /// that this backend made and that are empty. A store that has neither does nothing.
    /// </summary>
    /// <param name="lease">The lease's name; given back by now.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    ValueTask TidyAsync(string lease, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}

/// <summary>One object as a backend reports it. <paramref name="Length"/> is in bytes, <paramref name="Modified"/> is the store's own time.</summary>
public readonly record struct ObjectInfo(string Name, long Length, DateTimeOffset Modified);
