using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Checkpointer.Repository;

namespace Checkpointer.Testing;

/// <summary>A repository in memory, for tests: the same contract, and its objects can be changed behind the repository's back.</summary>
public sealed class MemoryBackend : IBackend
{
    private readonly MemoryLeases _leases;

    private readonly ConcurrentDictionary<string, (byte[] Data, DateTimeOffset Modified)> _objects = new(StringComparer.Ordinal);

    public MemoryBackend() => _leases = new MemoryLeases(() => Time);

    /// <summary>The store's clock.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>All names, sorted.</summary>
    public IReadOnlyList<string> Names => [.. _objects.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Bytes of all objects.</summary>
    public long TotalBytes => _objects.Values.Sum(o => (long)o.Data.Length);

    /// <summary>The bytes of an object, to be looked at or changed in place.</summary>
    public byte[] this[string name]
    {
        get => _objects[name].Data;
        set => _objects[name] = (value, Time.GetUtcNow());
    }

    /// <summary>Says of an object that it is from another time.</summary>
    public void SetModified(string name, DateTimeOffset modified) => _objects[name] = (_objects[name].Data, modified);

    public void Remove(string name) => _objects.TryRemove(name, out _);

    public string Describe() => "memory";

    public IObjectUpload BeginPut(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        cancellationToken.ThrowIfCancellationRequested();
        return new Upload(this, name, cancellationToken);
    }

    public ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        cancellationToken.ThrowIfCancellationRequested();
        if (!_objects.TryGetValue(name, out (byte[] Data, DateTimeOffset Modified) found))
        {
            throw new RepositoryException(RepositoryCodes.ObjectMissing, $"{name} does not exist") { ObjectName = name };
        }

        int length = (int)Math.Clamp(found.Data.Length - offset, 0, destination.Length);
        found.Data.AsMemory((int)Math.Min(offset, found.Data.Length), length).CopyTo(destination);
        return ValueTask.FromResult(length);
    }

    public ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        return ValueTask.FromResult<ObjectInfo?>(_objects.TryGetValue(name, out (byte[] Data, DateTimeOffset Modified) found)
            ? new ObjectInfo(name, found.Data.Length, found.Modified)
            : null);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (prefix.Length > 0 && (prefix[^1] != '/' || !ObjectNames.IsValid(prefix[..^1])))
        {
            throw new ArgumentException($"'{prefix}' is not a valid prefix", nameof(prefix));
        }

        await Task.CompletedTask;
        foreach ((string name, (byte[] data, DateTimeOffset modified)) in _objects)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                yield return new ObjectInfo(name, data.Length, modified);
            }
        }
    }

    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        return ValueTask.FromResult(_objects.TryRemove(name, out _));
    }

    public ValueTask<ILease?> TryLeaseAsync(string name, ReadOnlyMemory<byte> note, TimeSpan duration, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(_leases.TryTake(name, note, duration));
    }

    public ValueTask<LeaseInfo?> FindLeaseAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        return ValueTask.FromResult(_leases.Find(name));
    }

    public ValueTask<bool> BreakLeaseAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        return ValueTask.FromResult(_leases.Break(name));
    }

    public async IAsyncEnumerable<ObjectInfo> ListUnfinishedAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield break;
    }

    public ValueTask<bool> DeleteUnfinishedAsync(string name, CancellationToken cancellationToken) => ValueTask.FromResult(false);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Upload(MemoryBackend backend, string name, CancellationToken cancellationToken) : IObjectUpload
    {
        private readonly ArrayBufferWriter<byte> _data = new();

        public void Append(ReadOnlySpan<byte> data)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _data.Write(data);
        }

        public bool Commit()
        {
            cancellationToken.ThrowIfCancellationRequested();
            return backend._objects.TryAdd(name, (_data.WrittenSpan.ToArray(), backend.Time.GetUtcNow()));
        }

        public void Dispose()
        {
        }
    }
}
