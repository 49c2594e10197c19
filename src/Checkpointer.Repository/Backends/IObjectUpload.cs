namespace Checkpointer.Repository;

/// <summary>
/// One object being written, used by one thread at a time. Disposing it without a commit abandons it and leaves nothing visible.
/// After the first exception the upload is dead: only <see cref="IDisposable.Dispose"/> may follow.
/// </summary>
public interface IObjectUpload : IDisposable
{
    /// <summary>Adds bytes at the end. The span is not kept after the call. Blocks while the store is busy.</summary>
    void Append(ReadOnlySpan<byte> data);

    /// <summary>Makes the object durable and visible in one step. False: an object of that name exists, and nothing was changed.</summary>
    bool Commit();
}
