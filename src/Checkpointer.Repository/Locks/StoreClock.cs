namespace Checkpointer.Repository;

/// <summary>The store's own time: that of an object which was put just now.</summary>
internal static class StoreClock
{
    public static async Task<DateTimeOffset> NowAsync(IBackend backend, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Clock(ObjectId.New());

        // Uploads block their thread. One byte: an upload of nothing is a special case that a store need not know.
        if (!await Task.Run(() => backend.Put(name, [0], cancellationToken), cancellationToken).ConfigureAwait(false))
        {
            throw Odd(name);
        }

        ObjectInfo? info = await backend.StatAsync(name, cancellationToken).ConfigureAwait(false);
        await backend.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
        return info?.Modified ?? throw Odd(name);
    }

    private static RepositoryException Odd(string name) =>
        new(RepositoryCodes.StoreFailed, $"{name} could not be put and looked at although its name is new: the store does not do what it says") { ObjectName = name };
}
