using Checkpointer.Repository;

namespace Checkpointer.Testing;

/// <summary>
/// A backend that fails on purpose. Faults may be set at any time; each counts in <see cref="Fired"/>, so that a test can prove that its fault happened.
/// Disposing it disposes the inner backend.
/// </summary>
public sealed class FaultBackend(IBackend inner) : Forwarding(inner)
{
    private readonly ManualResetEventSlim _running = new(initialState: true);
    private int _fired;
    private long _written;

    /// <summary>How often any fault struck.</summary>
    public int Fired => Volatile.Read(ref _fired);

    /// <summary>Told when the first fault strikes.</summary>
    public Action? Struck { get; init; }

    /// <summary>Bytes that uploads took so far.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>Only objects for which this is true are affected (by write and read faults); by default all but those in <c>locks/</c>.</summary>
    public Func<string, bool> Applies { get; set; } = static name => !name.StartsWith(ObjectNames.LocksPrefix, StringComparison.Ordinal);

    /// <summary>Every append and commit takes this long.</summary>
    public TimeSpan WriteDelay { get; set; }

    /// <summary>How <see cref="WriteDelay"/> passes; null: by waiting. A test with a clock of its own moves that.</summary>
    public Action<TimeSpan>? Pass { get; set; }

    /// <summary>Every read takes this long.</summary>
    public TimeSpan ReadDelay { get; set; }

    /// <summary>Awaited before a read of an affected object, which it is told the offset of.</summary>
    public Func<long, Task>? BeforeRead { get; set; }

    /// <summary>Appends fail when this many bytes were taken (null: never).</summary>
    public long? FailAfterBytes { get; set; }

    /// <summary>Commits fail.</summary>
    public bool FailCommits { get; set; }

    /// <summary>What a failing write looks like: a broken store, or (true) a full one.</summary>
    public bool Full { get; set; }

    /// <summary>Changes what is read: name, offset of the data in the object, data.</summary>
    public Action<string, long, Memory<byte>>? CorruptRead { get; set; }

    /// <summary>Reads of affected objects fail as if the store were broken.</summary>
    public bool FailReads { get; set; }

    /// <summary>From now on writes hang until <see cref="Resume"/> or until their upload is cancelled.</summary>
    public void Stall() => _running.Reset();

    public void Resume() => _running.Set();

    public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken) =>
        new Upload(this, name, base.BeginPut(name, cancellationToken), cancellationToken);

    public override async ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (!Applies(name))
        {
            return await base.ReadAsync(name, offset, destination, cancellationToken).ConfigureAwait(false);
        }

        if (ReadDelay > TimeSpan.Zero)
        {
            Fire();
            await Task.Delay(ReadDelay, cancellationToken).ConfigureAwait(false);
        }

        if (BeforeRead is { } before)
        {
            Fire();
            await before(offset).ConfigureAwait(false);
        }

        if (FailReads)
        {
            throw Failure(name);
        }

        int read = await base.ReadAsync(name, offset, destination, cancellationToken).ConfigureAwait(false);
        if (CorruptRead is { } corrupt)
        {
            Fire();
            corrupt(name, offset, destination[..read]);
        }

        return read;
    }

    public override ValueTask DisposeAsync()
    {
        _running.Set();
        return base.DisposeAsync();
    }

    private void Fire()
    {
        if (Interlocked.Increment(ref _fired) == 1)
        {
            Struck?.Invoke();
        }
    }

    private RepositoryException Failure(string name)
    {
        Fire();
        return Full
            ? new RepositoryException(RepositoryCodes.StoreFull, $"the store is full: {name} could not be written (injected)", "free space there") { ObjectName = name }
            : new RepositoryException(RepositoryCodes.StoreFailed, $"the store failed at {name} (injected)", "look at the store, then try again") { ObjectName = name };
    }

    private sealed class Upload(FaultBackend owner, string name, IObjectUpload upload, CancellationToken cancellationToken) : IObjectUpload
    {
        public void Append(ReadOnlySpan<byte> data)
        {
            if (owner.Applies(name))
            {
                Before();
                if (owner.FailAfterBytes is { } limit && owner.Written + data.Length > limit)
                {
                    throw owner.Failure(name);
                }
            }

            upload.Append(data);
            Interlocked.Add(ref owner._written, data.Length);
        }

        public bool Commit()
        {
            if (owner.Applies(name))
            {
                Before();
                if (owner.FailCommits)
                {
                    throw owner.Failure(name);
                }
            }

            return upload.Commit();
        }

        public void Dispose() => upload.Dispose();

        private void Before()
        {
            if (!owner._running.IsSet)
            {
                owner.Fire();
                owner._running.Wait(cancellationToken);
            }

            if (owner.WriteDelay > TimeSpan.Zero)
            {
                owner.Fire();
                if (owner.Pass is { } pass)
                {
                    pass(owner.WriteDelay);
                }
                else
                {
                    cancellationToken.WaitHandle.WaitOne(owner.WriteDelay);
                }

                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }
}
