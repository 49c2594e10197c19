using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Repository;

/// <summary>An upload of <see cref="DirectoryBackend"/>: plain synchronous writes of the thread that drives it.</summary>
internal sealed class DirectoryUpload(
    DirectoryBackend backend, string name, string path, string temporary, SafeFileHandle handle, CancellationToken cancellationToken) : IObjectUpload
{
    private bool _finished;

    public void Append(ReadOnlySpan<byte> data)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            Fds.WriteAll(handle, data);
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, backend.Describe(), name);
        }
    }

    public bool Commit()
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            // Flushed through the descriptor that wrote: only it is sure to hear of a failed write-back.
            bool created = DurableFile.Publish(handle, temporary, path, createOnly: true);
            _finished = true;
            return created;
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, backend.Describe(), name);
        }
    }

    public void Dispose()
    {
        handle.Dispose();
        if (_finished)
        {
            return;
        }

        _finished = true;
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            // An abandoned temporary file is invisible and harmless, and the error that led here is the one to report.
        }
    }
}
