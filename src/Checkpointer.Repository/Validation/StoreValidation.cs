using System.Globalization;
using System.Security.Cryptography;

namespace Checkpointer.Repository;

/// <summary>
/// Puts what a repository relies on to the test in a real store: nothing in it need be initialised, and nothing of a repository in it is touched.
/// All objects lie in <c>validate/ID/</c>, beside one lease <c>locks/validate-ID</c>. All of it is removed at the end, also after a failure, with the folders made for it.
/// </summary>
public sealed partial class StoreValidation
{
    /// <summary>Bytes that the throughput check moves each way, unless told otherwise.</summary>
    public const long DefaultBytes = 128L << 20;

    /// <summary>Clocks further apart than this make 'prune' judge ages wrongly.</summary>
    public static readonly TimeSpan MaxDrift = TimeSpan.FromSeconds(60);

    private const int Writers = 8;
    private const int Rounds = 4;
    private const int Listed = 25;
    private const int Concurrent = 32;
    private const int RangedBytes = 3_000_000;

    /// <summary>Uploads of the throughput check at once; as many as a writer has workers on a usual node.</summary>
    private const int Streams = 4;

    /// <summary>Bytes of one object of the throughput check: a pack's.</summary>
    private const int PackBytes = 32 << 20;

    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan CleanUpTime = TimeSpan.FromSeconds(60);

    private readonly IBackend _backend;
    private readonly TimeProvider _time;
    private readonly string _folder = $"validate/{ObjectId.New()}/";
    private readonly string _lease = $"locks/validate-{ObjectId.New()}";
    private readonly List<ValidationCheck> _checks = [];
    private double? _drift;
    private double? _up;
    private double? _down;

    private StoreValidation(IBackend backend, TimeProvider time)
    {
        _backend = backend;
        _time = time;
    }

    /// <summary>
    /// Runs every check. An error of the store itself (credentials, network, no such container) is thrown as <see cref="RepositoryException"/> by the first check;
    /// later ones tell theirs in the report.
    /// </summary>
    /// <param name="backend">The store.</param>
    /// <param name="bytes">What the throughput check moves each way.</param>
    /// <param name="time">This node's clock.</param>
    /// <param name="started">Told the name of each check when it begins.</param>
    /// <param name="cancellationToken">Ends the run; it cleans up all the same.</param>
    public static async Task<ValidationReport> RunAsync(
        IBackend backend, long bytes, TimeProvider time, Action<string>? started, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backend);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        StoreValidation validation = new(backend, time);
        try
        {
            await validation.AllAsync(bytes, started, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await validation.CleanUpAsync().ConfigureAwait(false);
        }

        return new ValidationReport(backend.Describe(), validation._checks, validation._drift, validation._up, validation._down);
    }

    private async Task AllAsync(long bytes, Action<string>? started, CancellationToken token)
    {
        (string Name, Func<CancellationToken, Task<string>> Check)[] all =
        [
            ("write-and-read", WriteAndReadAsync),
            ("clock", ClockAsync),
            ("create-only", CreateOnlyAsync),
            ("create-race", RaceAsync),
            ("visible-when-whole", VisibleWhenWholeAsync),
            ("ranges", RangesAsync),
            ("list-after-write", ListAsync),
            ("concurrency", ConcurrencyAsync),
            ("leases", LeasesAsync),
            ("throughput", t => ThroughputAsync(bytes, t)),
        ];
        foreach ((string name, Func<CancellationToken, Task<string>> check) in all)
        {
            token.ThrowIfCancellationRequested();
            started?.Invoke(name);
            long start = _time.GetTimestamp();
            try
            {
                string detail = await Task.Run(() => check(token), token).ConfigureAwait(false);
                _checks.Add(new ValidationCheck(name, true, detail, _time.GetElapsedTime(start).TotalSeconds));
            }
            catch (BrokenPromiseException e)
            {
                _checks.Add(new ValidationCheck(name, false, e.Message, _time.GetElapsedTime(start).TotalSeconds, e.Remedy));
            }
            catch (RepositoryException e) when (_checks.Count > 0)
            {
                _checks.Add(new ValidationCheck(name, false, e.Message, _time.GetElapsedTime(start).TotalSeconds, e.Remedy));
            }
        }
    }

    /// <summary>With a deadline of its own: it also runs after a cancellation. What it cannot remove is named by its folder and harmless.</summary>
    private async Task CleanUpAsync()
    {
        using CancellationTokenSource deadline = new(CleanUpTime);
        try
        {
            List<string> names = [];
            await foreach (ObjectInfo info in _backend.ListAsync(_folder, deadline.Token).ConfigureAwait(false))
            {
                names.Add(info.Name);
            }

            await Parallel.ForEachAsync(
                names,
                new ParallelOptions { MaxDegreeOfParallelism = Writers, CancellationToken = deadline.Token },
                async (name, token) => await _backend.DeleteAsync(name, token).ConfigureAwait(false)).ConfigureAwait(false);
            await _backend.TidyAsync(_lease, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RepositoryException or OperationCanceledException)
        {
            _checks.Add(new ValidationCheck(
                "clean-up", false, $"what was put into {_folder} and {_lease} could not be removed: {e.Message}", 0, "remove them by hand; no repository uses them"));
        }
    }

    private static void Require(bool kept, string broken) => Require(kept, broken, "do not keep a repository in this store");

    private static void Require(bool kept, string broken, string remedy)
    {
        if (!kept)
        {
            throw new BrokenPromiseException(broken, remedy);
        }
    }

    private static byte[] Random(int length) => RandomNumberGenerator.GetBytes(length);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class BrokenPromiseException(string message, string remedy) : Exception(message)
    {
        public string Remedy => remedy;
    }
}
