using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Repository;

/// <summary>One held lease file. It is touched through its descriptor only, so that another holder's file is never touched.</summary>
internal sealed class DirectoryLease(
    DirectoryLeases leases, long number, SafeFileHandle handle, string name, TimeSpan duration, TimeProvider time, long asked)
    : TimedLease(name, duration, time, asked)
{
    protected override ValueTask<bool> RenewCoreAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            DateTimeOffset before = FileTimes.Modified(handle);
            DateTimeOffset now = FileTimes.Touch(handle);

            // Looked at after the touch: whoever took over before it has made a higher number by now, unless it judged us stale only just now, and then we were late.
            return ValueTask.FromResult(now - before <= Certain && leases.HighestNumber() == number);
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, $"lease {number}", null);
        }
    }

    protected override ValueTask ReleaseCoreAsync()
    {
        using (handle)
        {
            try
            {
                File.SetLastWriteTimeUtc(handle, DateTime.UnixEpoch);
            }
            catch (Exception e) when (StoreError.IsExpected(e))
            {
                // It expires by itself, and what was done under it is done.
            }
        }

        return ValueTask.CompletedTask;
    }
}
