using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>Runs a step of a test before every step that goes to the store, so that interleavings are decided and not left to chance.</summary>
internal sealed class HookBackend(IBackend inner) : Forwarding(inner)
{
    /// <summary>Called with the kind of step (put, delete, list, stat, read) and the name.</summary>
    public Action<string, string>? Before { get; set; }

    /// <summary>Called after an object became visible or was deleted.</summary>
    public Action<string, string>? After { get; set; }

    public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken) => new Upload(this, name, base.BeginPut(name, cancellationToken));

    public override ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        Before?.Invoke("delete", name);
        ValueTask<bool> deleted = base.DeleteAsync(name, cancellationToken);
        After?.Invoke("delete", name);
        return deleted;
    }

    public override IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        Before?.Invoke("list", prefix);
        return base.ListAsync(prefix, cancellationToken);
    }

    public override ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken)
    {
        Before?.Invoke("stat", name);
        return base.StatAsync(name, cancellationToken);
    }

    public override ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Before?.Invoke("read", name);
        return base.ReadAsync(name, offset, destination, cancellationToken);
    }

    private sealed class Upload(HookBackend owner, string name, IObjectUpload upload) : IObjectUpload
    {
        public void Append(ReadOnlySpan<byte> data) => upload.Append(data);

        public bool Commit()
        {
            owner.Before?.Invoke("put", name);
            bool first = upload.Commit();
            owner.After?.Invoke("put", name);
            return first;
        }

        public void Dispose() => upload.Dispose();
    }
}
