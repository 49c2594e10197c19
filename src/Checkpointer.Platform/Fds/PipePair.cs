using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>Both ends of a new pipe, blocking and close-on-exec. Disposing closes what is still open.</summary>
public readonly record struct PipePair(SafeFileHandle Reader, SafeFileHandle Writer) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Reader?.Dispose();
        Writer?.Dispose();
    }
}
