using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// Larger kernel pipes for bulk files, a few at a time. Their pages count against the user's soft limit (64 MiB by default, unless CRIU has
/// CAP_SYS_RESOURCE); beyond it every new pipe of CRIU gets two pages only, and a hundred siblings crawl. One thread.
/// </summary>
internal sealed class PipeGrowth
{
    /// <summary>Grown pipes at once: half of the default soft limit.</summary>
    public const int MaxGrown = 32;

    private int _grown;

    /// <summary>True when the pipe was grown and counts until <see cref="Closed"/>.</summary>
    public bool TryGrow(SafeFileHandle pipe)
    {
        if (_grown == MaxGrown)
        {
            return false;
        }
        Fds.SetPipeSize(pipe, BlockPool.BlockSize);
        _grown++;
        return true;
    }

    /// <summary>A grown pipe was closed.</summary>
    public void Closed() => _grown--;
}
