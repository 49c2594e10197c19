using System.Runtime.InteropServices;

namespace Checkpointer.Platform;

/// <summary>Anonymous private memory, aligned to huge pages, unmapped when the last reference is released.</summary>
internal sealed class MemoryMapping : SafeHandle
{
    /// <summary>Size of a huge page on x86-64, and of one on arm64 with 4 KiB pages.</summary>
    internal const int HugePage = 2 << 20;

    private readonly nuint _mappedBytes;

    /// <summary>Maps memory; nothing is resident yet. ENOMEM is <see cref="PlatformException"/>.</summary>
    internal MemoryMapping(long bytes)
        : base(0, ownsHandle: true)
    {
        // Room to move the start up to a huge page's boundary; what is skipped is never touched, so it costs nothing.
        _mappedBytes = (nuint)bytes + HugePage;
        nint address = Libc.Map(0, _mappedBytes, Libc.ProtectReadWrite, Libc.MapPrivateAnonymous, -1, 0);
        if (address == -1)
        {
            throw Libc.Failure($"mmap of {ByteSize.Format(bytes)}");
        }

        SetHandle(address);
        Start = (address + HugePage - 1) & ~(nint)(HugePage - 1);
        Bytes = bytes;

        // Both are only advice, and a kernel without them (no THP) serves 4 KiB pages: so their failure is no error.
        Libc.Advise(Start, (nuint)bytes, Libc.AdviseHugePage);
        Libc.Advise(Start, (nuint)bytes, Libc.AdviseDontDump); // a core dump must not hold a workload's memory
    }

    internal nint Start { get; }

    internal long Bytes { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Libc.Unmap(handle, _mappedBytes) == 0;
}
