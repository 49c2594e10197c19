namespace Checkpointer.Repository;

/// <summary>How the blob backend talks; only tests have reason to change it.</summary>
internal sealed record AzureOptions
{
    /// <summary>Bytes of a block of a large object: one request carries enough to hide its latency, and the memory of all requests in flight stays small.</summary>
    public const int DefaultBlockBytes = 2 << 20;

    /// <summary>
    /// Blocks on their way at once, all uploads together. At 20 ms for a block that is 1 GiB/s, more than two cores compress and seal.
    /// </summary>
    public const int DefaultLanes = 10;

    /// <summary>Bytes of memory that a request needs beside its block: the client's copy buffer, the TLS record, the kernel's share not counted.</summary>
    public const int RequestBytes = 256 << 10;

    /// <summary>Objects of one page of a listing: the service's maximum.</summary>
    public const int MaxPage = 5000;

    /// <summary>Bytes of one ranged read: the longest range for which the service tells a checksum.</summary>
    public const int MaxRange = 4 << 20;

    /// <summary>Blocks of one object; the service's limit.</summary>
    public const int MaxBlocks = 50_000;

    public int BlockBytes { get; init; } = DefaultBlockBytes;

    public int Lanes { get; init; } = DefaultLanes;

    public int PageSize { get; init; } = MaxPage;

    /// <summary>A request that moves no byte for this long is given up and tried again.</summary>
    public TimeSpan StallTime { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>A request that fails for this long, from its first failure, is given up for good.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A store that refused every connection so far, for this long, is given up: nobody listens there. One that has answered may be starting anew.</summary>
    public TimeSpan RefusedGiveUpAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Hears of a store that has not worked for longer than <see cref="TellAfter"/>, from any thread.</summary>
    public Action<StoreTrouble>? Trouble { get; init; }

    /// <summary>Failures of this time are told, and requests that moved nothing for twice as long.</summary>
    public TimeSpan TellAfter { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan TellAgainAfter { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The pause after the first failure; it doubles up to <see cref="MaxPause"/>, less a random part.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(250);

    public TimeSpan MaxPause { get; init; } = TimeSpan.FromSeconds(15);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Looks up a variable of the environment.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;
}
