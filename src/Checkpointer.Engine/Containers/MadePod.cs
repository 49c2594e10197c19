using System.Globalization;
using Checkpointer.Engine.Journal;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// A pod that is made for a restore, with its placeholders. It is written down before anything of it exists, so that it is removed also
/// when this engine dies meanwhile; and removed with the restore that fails. Once it holds a restored workload it stays.
/// </summary>
internal sealed class MadePod : IAsyncDisposable
{
    /// <summary>Removing what was made for a restore that failed.</summary>
    private static readonly TimeSpan RemoveDeadline = TimeSpan.FromMinutes(3);

    /// <summary>A runtime whose client died while it made a pod ends that, or has it listed, within this.</summary>
    private static readonly TimeSpan SettleDeadline = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan SettlePoll = TimeSpan.FromMilliseconds(250);

    private readonly EngineServices _services;
    private readonly string _uid;
    private bool _kept;

    private MadePod(EngineServices services, OpenJournalEntry journal, string uid)
    {
        _services = services;
        _uid = uid;
        Journal = journal;
    }

    /// <summary>The operation's entry, which names the pod.</summary>
    public OpenJournalEntry Journal { get; }

    /// <summary>The placeholders, in the order of the parts; they wait.</summary>
    public IReadOnlyList<ContainerTarget> Targets { get; private set; } = [];

    /// <summary>What the pod has otherwise than the one of the snapshot.</summary>
    public IReadOnlyList<Finding> Findings { get; private set; } = [];

    /// <param name="services">The engine.</param>
    /// <param name="begin">The operation's first entry.</param>
    /// <param name="parts">Of the snapshot; at least one.</param>
    /// <param name="shared">Places that several of them have in common.</param>
    /// <param name="cancellationToken">Gives up; nothing is left then.</param>
    public static async Task<MadePod> CreateAsync(
        EngineServices services, JournalEntry begin, IReadOnlyList<ContainerPart> parts, IReadOnlyList<SharedMount> shared, CancellationToken cancellationToken)
    {
        await MadeVolumes.SweepAsync(services, cancellationToken).ConfigureAwait(false);
        var uid = Guid.NewGuid().ToString("D", CultureInfo.InvariantCulture);
        MadePod pod = new(services, services.Journal.Open(begin with { Version = JournalEntry.CurrentVersion, MadePod = uid }), uid);
        try
        {
            var volumes = MadeVolumes.Make(services.Options.StateDirectory, uid, parts, shared);
            pod.Findings = volumes.Findings;
            var records = await services.Runtime.CreatePodAsync(volumes.Records, uid, services.Init, cancellationToken).ConfigureAwait(false);
            List<ContainerTarget> targets = [];
            foreach (var part in parts)
            {
                targets.Add(await ContainerTarget.MadeAsync(services, records.First(r => r.Name == part.Record.Name), cancellationToken).ConfigureAwait(false));
            }

            pod.Targets = targets;
            return pod;
        }
        catch
        {
            await pod.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>It holds a restored workload: it stays.</summary>
    public void Keep() => _kept = true;

    /// <summary>Removes it unless it is kept. What cannot be removed is logged, and stays in the journal for the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        // Processes that may have acted on the world are a person's to end: recovery tells of them.
        if (!_kept && !Journal.Entry.Released)
        {
            using CancellationTokenSource deadline = new(RemoveDeadline);
            try
            {
                await RemoveAsync(_services, _uid, settle: false, deadline.Token).ConfigureAwait(false);
                if (Journal.Entry.IsOnlyMadePod)
                {
                    Journal.Close();
                }
            }
            catch (Exception e)
            {
                // It must not hide why the restore failed.
                EngineLog.CleanupFailed(_services.Logger, e, Journal.Entry.Operation, "the pod that was made");
            }
        }

        Journal.Dispose();
    }

    /// <summary>Removes what was made under a uid: sandbox, containers, logs, directories.</summary>
    /// <param name="services">The engine.</param>
    /// <param name="uid">Of the pod.</param>
    /// <param name="settle">Waits a while for one that may just be coming about.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CheckpointerException">The runtime does not do it.</exception>
    public static async Task RemoveAsync(EngineServices services, string uid, bool settle, CancellationToken cancellationToken)
    {
        var start = services.Time.GetTimestamp();
        while (!await services.Runtime.RemovePodAsync(uid, cancellationToken).ConfigureAwait(false)
            && settle && services.Time.GetElapsedTime(start) < SettleDeadline)
        {
            await Task.Delay(SettlePoll, services.Time, cancellationToken).ConfigureAwait(false);
        }

        MadeVolumes.Remove(services.Options.StateDirectory, uid);
    }
}
