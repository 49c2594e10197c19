using Checkpointer.Platform;

namespace Checkpointer.Engine;

/// <summary>A file lock that is held for moments only, by this engine's threads or by another engine, and so is waited for.</summary>
internal static class PatientLock
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    /// <exception cref="HostException">Somebody has held it for longer than <paramref name="patience"/>; its code is <paramref name="code"/>.</exception>
    public static FileLock Take(string path, TimeSpan patience, string code)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (FileLock.TryTake(path) is { } taken)
            {
                return taken;
            }

            if (TimeProvider.System.GetElapsedTime(start) > patience)
            {
                throw new HostException(code, $"{path} has been locked for {Durations.Format(patience)}.", "Look who holds it: fuser shows that.");
            }

            CancellationToken.None.WaitHandle.WaitOne(Poll);
        }
    }
}
