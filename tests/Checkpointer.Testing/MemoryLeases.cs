using Checkpointer.Repository;

namespace Checkpointer.Testing;

/// <summary>The leases of <see cref="MemoryBackend"/>: one clock for everybody.</summary>
internal sealed class MemoryLeases(Func<TimeProvider> time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Held> _held = new(StringComparer.Ordinal);

    public ILease? TryTake(string name, ReadOnlyMemory<byte> note, TimeSpan duration)
    {
        lock (_gate)
        {
            TimeProvider clock = time();
            long asked = clock.GetTimestamp();
            if (_held.TryGetValue(name, out Held? other) && !other.IsOver(clock))
            {
                return null;
            }

            Held held = new(note.ToArray(), duration) { Since = clock.GetUtcNow() };
            _held[name] = held;
            return new Lease(this, held, name, clock, asked);
        }
    }

    public LeaseInfo? Find(string name)
    {
        lock (_gate)
        {
            return _held.TryGetValue(name, out Held? held) ? new LeaseInfo(held.Note, held.Since, !held.IsOver(time())) : null;
        }
    }

    public bool Break(string name)
    {
        lock (_gate)
        {
            return _held.Remove(name);
        }
    }

    private bool Renew(string name, Held held)
    {
        lock (_gate)
        {
            if (!_held.TryGetValue(name, out Held? now) || now != held || held.IsOver(time()))
            {
                return false;
            }

            held.Since = time().GetUtcNow();
            return true;
        }
    }

    private void Release(string name, Held held)
    {
        lock (_gate)
        {
            if (_held.TryGetValue(name, out Held? now) && now == held)
            {
                _held.Remove(name);
            }
        }
    }

    private sealed class Held(byte[] note, TimeSpan duration)
    {
        public byte[] Note => note;

        public TimeSpan Duration => duration;

        public DateTimeOffset Since { get; set; }

        public bool IsOver(TimeProvider clock) => clock.GetUtcNow() - Since > duration;
    }

    private sealed class Lease(MemoryLeases owner, Held held, string name, TimeProvider clock, long asked) : TimedLease(name, held.Duration, clock, asked)
    {
        private readonly string _name = name;

        protected override ValueTask<bool> RenewCoreAsync(CancellationToken cancellationToken) => ValueTask.FromResult(owner.Renew(_name, held));

        protected override ValueTask ReleaseCoreAsync()
        {
            owner.Release(_name, held);
            return ValueTask.CompletedTask;
        }
    }
}
