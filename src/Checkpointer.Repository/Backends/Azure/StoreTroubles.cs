namespace Checkpointer.Repository;

/// <summary>Tells of trouble once it has lasted, and again now and then: many requests fail at once, and one that failed in passing is nobody's concern.</summary>
internal sealed class StoreTroubles(string place, AzureOptions options)
{
    private readonly Lock _gate = new();
    private long? _told;

    public void Tell(string reason, TimeSpan left)
    {
        if (options.Trouble is not { } tell)
        {
            return;
        }

        lock (_gate)
        {
            if (_told is { } told && options.Time.GetElapsedTime(told) < options.TellAgainAfter)
            {
                return;
            }

            _told = options.Time.GetTimestamp();
        }

        tell(new StoreTrouble(place, reason, left));
    }
}
