using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>
/// Removes what nothing needs: plans, shows the plan, executes it. Safe to be killed at any point and to run beside writers (docs/format.md, section 8).
/// Memory: about 100 bytes for each pack, map and move in the store and again for each that is in use; with repack also one bit for each stored chunk.
/// </summary>
internal sealed partial class Prune(IBackend backend, KeyRing keys, SnapshotStore store, PruneOptions options, IProgress<PruneProgress>? progress)
{
    /// <summary>How far the clocks of this machine and of the store may be apart. Ages are judged by the store's alone; a larger drift says that one of them is not to be believed.</summary>
    internal static readonly TimeSpan MaxDrift = TimeSpan.FromMinutes(5);

    /// <summary>Taken off every limit: a store that tells whole seconds, or from several machines, may be that much behind itself.</summary>
    internal static readonly TimeSpan Resolution = TimeSpan.FromSeconds(2);

    /// <summary>Clocks, and unfinished uploads of objects that are written without an intent (keys, markers, locks), may belong to someone alive when they are younger than this.</summary>
    internal static readonly TimeSpan MinLitterAge = TimeSpan.FromHours(1);

    /// <summary>Deletes at once.</summary>
    private const int ParallelDeletes = 8;

    private const int NamedInError = 4;

    /// <param name="onPlan">Told the plan before anything is deleted.</param>
    /// <param name="cancellationToken">Stops it; what is done is done, and the rest is for the next prune.</param>
    public async Task<PruneReport> RunAsync(Action<PrunePlan>? onPlan, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Grace, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNotEqual(options.MaxDeadPercent, Math.Clamp(options.MaxDeadPercent, 1, 99), nameof(options));
        if (options.DryRun)
        {
            // Nothing is written, not even a clock: ages are this machine's guess.
            PruneState guess = await PlanAsync(options.Time.GetUtcNow(), underLease: false, cancellationToken).ConfigureAwait(false);
            onPlan?.Invoke(guess.Plan);
            return new PruneReport { Plan = guess.Plan, Executed = false };
        }

        await using HeldLease lease = await TakeAsync(ObjectNames.MaintenanceLease, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lease.Lost);
        try
        {
            DateTimeOffset now = await StoreTimeAsync(stop.Token).ConfigureAwait(false);
            PruneState state = await PlanAsync(now, underLease: true, stop.Token).ConfigureAwait(false);
            onPlan?.Invoke(state.Plan);
            return await ExecuteAsync(state, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RepositoryException(
                RepositoryCodes.LeaseLost, "a lease of this prune was broken, or could not be renewed in time, so it stopped; what it deleted was not needed", "run it again");
        }
    }

    private Task<HeldLease> TakeAsync(string name, CancellationToken cancellationToken) =>
        HeldLease.TakeAsync(backend, keys, name, "prune", options.Patience, options.Time, cancellationToken);

    private async Task<DateTimeOffset> StoreTimeAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset before = options.Time.GetUtcNow();
        DateTimeOffset now = await StoreClock.NowAsync(backend, cancellationToken).ConfigureAwait(false);
        DateTimeOffset after = options.Time.GetUtcNow();
        if (now < before - MaxDrift || now > after + MaxDrift)
        {
            TimeSpan drift = (now - before).Duration();
            throw new RepositoryException(
                RepositoryCodes.ClockDrift,
                $"the clocks of this machine and of the store are {Durations.Format(drift)} apart, more than {Durations.Format(MaxDrift)}: ages cannot be judged, and nothing was deleted",
                "set the clock of this machine (NTP), or that of the machine that holds the store");
        }

        return now;
    }

    private async Task<PruneState> PlanAsync(DateTimeOffset now, bool underLease, CancellationToken cancellationToken)
    {
        Roots roots;
        progress?.Report(new PruneProgress("roots", 0, 0));
        if (underLease)
        {
            // No manifest is deleted while they are listed.
            await using HeldLease lease = await TakeAsync(ObjectNames.RootsLease, cancellationToken).ConfigureAwait(false);
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lease.Lost);
            roots = await Roots.CollectAsync(backend, keys, store, now, stop.Token).ConfigureAwait(false);
            lease.Lost.ThrowIfCancellationRequested();
        }
        else
        {
            roots = await Roots.CollectAsync(backend, keys, store, now, cancellationToken).ConfigureAwait(false);
        }

        Inventory inventory = await Inventory.ReadAsync(backend, cancellationToken).ConfigureAwait(false);
        NeededPacks needed = new(backend, keys, inventory);
        for (int i = 0; i < roots.Maps.Count; i++)
        {
            await needed.AddAsync(roots.Maps[i], cancellationToken).ConfigureAwait(false);
            progress?.Report(new PruneProgress("maps", i + 1, roots.Maps.Count));
        }

        RefuseDamage([.. roots.Damage, .. needed.Damage]);
        PruneState state = new(now, roots, inventory, needed);
        if (options.Repack)
        {
            await ScanAsync(state, cancellationToken).ConfigureAwait(false);
        }

        await PlanDeletionsAsync(state, cancellationToken).ConfigureAwait(false);
        return state;
    }

    private static void RefuseDamage(List<RepositoryException> damage)
    {
        if (damage.Count == 0)
        {
            return;
        }

        string named = string.Join("; ", damage.Take(NamedInError).Select(e => e.Message));
        string more = damage.Count > NamedInError ? string.Create(CultureInfo.InvariantCulture, $"; and {damage.Count - NamedInError} more") : "";
        throw new RepositoryException(
            RepositoryCodes.PruneRefused,
            $"nothing was deleted, because it is not known what the unreadable objects name: {named}{more}",
            "bring the objects back from a backup, or delete the snapshots that need them ('checkpointer check' names them, 'checkpointer delete' removes one), then prune",
            damage[0])
        { ObjectName = damage[0].ObjectName };
    }

    private async Task PlanDeletionsAsync(PruneState state, CancellationToken cancellationToken)
    {
        DateTimeOffset before = state.Now - (options.Grace > Resolution ? options.Grace : Resolution);
        foreach (IntentInfo intent in state.Roots.Intents.Where(i => i.IsLive(state.Now)))
        {
            DateTimeOffset limit = intent.Put - Resolution;
            before = limit < before ? limit : before;
        }

        DateTimeOffset litterBefore = before < state.Now - MinLitterAge ? before : state.Now - MinLitterAge;
        Collector found = new(before);
        found.Unneeded(state.Inventory.Maps, state.Needed.Maps.Contains, ObjectNames.Map, PruneReason.UnreferencedMap);
        found.Unneeded(state.Inventory.Moves, state.Needed.Packs.ContainsKey, ObjectNames.Move, PruneReason.UnreferencedMove);
        found.Unneeded(state.Inventory.Packs, state.Needed.Packs.ContainsKey, ObjectNames.Pack, PruneReason.UnreferencedPack);
        foreach (ObjectId pack in state.Rewritten)
        {
            // Not by age: its frames are elsewhere.
            found.Items.Add(new PruneItem(ObjectNames.Pack(pack), state.Inventory.Packs[pack].Length, PruneReason.RewrittenPack));
        }

        foreach (ObjectInfo marker in state.Roots.OrphanMarkers)
        {
            found.Old(marker, PruneReason.OrphanMarker);
        }

        foreach (IntentInfo intent in state.Roots.Intents.Where(i => !i.IsLive(state.Now)))
        {
            found.Items.Add(new PruneItem(intent.Name, 0, PruneReason.DeadIntent));
        }

        await foreach (ObjectInfo clock in backend.ListAsync(ObjectNames.ClocksPrefix, cancellationToken).ConfigureAwait(false))
        {
            if (clock.Modified < litterBefore)
            {
                found.Items.Add(new PruneItem(clock.Name, clock.Length, PruneReason.ForgottenClock));
            }
        }

        await foreach (ObjectInfo upload in backend.ListUnfinishedAsync(cancellationToken).ConfigureAwait(false))
        {
            // Whoever writes packs and maps has put an intent first, or is this prune.
            bool byIntent = upload.Name.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal) || upload.Name.StartsWith(ObjectNames.MapsPrefix, StringComparison.Ordinal);
            found.Old(upload, PruneReason.UnfinishedUpload, byIntent ? before : litterBefore);
        }

        List<ObjectId> inUse = [.. state.Needed.Packs.Keys.Where(p => state.Inventory.Packs.ContainsKey(p) && !state.Rewritten.Contains(p))];
        state.Plan = new PrunePlan
        {
            Snapshots = state.Roots.Snapshots.Count,
            Writers = state.Roots.Intents.Count(i => i.IsLive(state.Now)),
            StoreTime = state.Now,
            Before = before,
            Deletions = found.Items,
            Repacks = [.. state.Repacks.Select(r => new RepackItem(ObjectNames.Pack(r), state.Inventory.Packs[r].Length, state.Use[r].LiveBytes))],
            PacksInUse = inUse.Count,
            BytesInUse = inUse.Sum(p => state.Inventory.Packs[p].Length) + state.Needed.Maps.Sum(m => state.Inventory.Maps.GetValueOrDefault(m).Length),
            Young = found.Young,
            YoungBytes = found.YoungBytes,
            Findings =
            [
                .. state.Needed.Lost.Select(l => new Finding(
                    l.Error.Code, FindingSeverity.Blocker, l.Error.ObjectName!, l.Error.Message, "the pack that " + l.Owner + " needs", "run 'checkpointer check' to see which snapshots are harmed")),
            ],
        };
    }

    /// <summary>Everything that the steps of one prune share.</summary>
    private sealed class PruneState(DateTimeOffset now, Roots roots, Inventory inventory, NeededPacks needed)
    {
        public DateTimeOffset Now => now;

        public Roots Roots => roots;

        public Inventory Inventory => inventory;

        public NeededPacks Needed => needed;

        /// <summary>With repack: which frames of each pack are in use.</summary>
        public Dictionary<ObjectId, PackUse> Use { get; } = [];

        /// <summary>With repack: packs to rewrite.</summary>
        public List<ObjectId> Repacks { get; } = [];

        /// <summary>With repack: packs that were rewritten by a prune that was killed before it deleted them.</summary>
        public HashSet<ObjectId> Rewritten { get; } = [];

        public PrunePlan Plan { get; set; } = null!;
    }

    /// <summary>Sorts objects into those that go and those that are too young.</summary>
    private sealed class Collector(DateTimeOffset before)
    {
        public List<PruneItem> Items { get; } = [];

        public int Young { get; private set; }

        public long YoungBytes { get; private set; }

        public void Unneeded(Dictionary<ObjectId, StoredObject> objects, Func<ObjectId, bool> isNeeded, Func<ObjectId, string> nameOf, PruneReason reason)
        {
            foreach ((ObjectId id, StoredObject info) in objects)
            {
                if (!isNeeded(id))
                {
                    Old(new ObjectInfo(nameOf(id), info.Length, info.Modified), reason);
                }
            }
        }

        public void Old(ObjectInfo info, PruneReason reason) => Old(info, reason, before);

        public void Old(ObjectInfo info, PruneReason reason, DateTimeOffset limit)
        {
            if (info.Modified < limit)
            {
                Items.Add(new PruneItem(info.Name, info.Length, reason));
            }
            else
            {
                Young++;
                YoungBytes += info.Length;
            }
        }
    }
}
