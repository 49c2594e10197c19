namespace Checkpointer.Platform;

public sealed partial class BlockPool
{
    /// <summary>Populated between two looks at the token: some 10 ms of work.</summary>
    private const int PrefaultStep = 32 << 20;

    private const int SmallPage = 4 << 10;

    /// <summary>
    /// Makes all memory resident, before a workload waits for it. Meant for a pool that nobody has rented from yet.
    /// Memory that the kernel cannot give is <see cref="HostException"/> with code <c>memory-short</c>.
    /// </summary>
    public void Prefault(CancellationToken cancellationToken)
    {
        for (long offset = 0; offset < _mapping.Bytes; offset += PrefaultStep)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Populate(_mapping.Start + (nint)offset, (nint)Math.Min(PrefaultStep, _mapping.Bytes - offset));
        }
    }

    private static unsafe void Populate(nint start, nint bytes)
    {
        while (Libc.Advise(start, (nuint)bytes, Libc.AdvisePopulateWrite) != 0)
        {
            switch (Libc.LastError)
            {
                case Errno.EINTR or Errno.EAGAIN:
                    continue;
                case Errno.EINVAL: // a kernel before 5.14
                    Touch((byte*)start, bytes);
                    return;
                default:
                    throw new HostException(
                        "memory-short",
                        "The kernel cannot give the memory for the block pool.",
                        "Ask for less with --memory, or raise the memory limit of this service.",
                        Libc.Failure("madvise(MADV_POPULATE_WRITE)"));
            }
        }
    }

    /// <summary>Writes to every page without changing its contents.</summary>
    private static unsafe void Touch(byte* start, nint bytes)
    {
        for (nint offset = 0; offset < bytes; offset += SmallPage)
        {
            Interlocked.Or(ref *(int*)(start + offset), 0);
        }
    }
}
