namespace Checkpointer.Node;

/// <summary>Where the service stands in its life, and what its recovery found. Thread-safe.</summary>
internal sealed class ServiceState(TimeProvider time)
{
    public const string Recovering = "recovering";
    public const string Ready = "ready";
    public const string Stopping = "stopping";

    private volatile string _name = Recovering;
    private volatile RecoveryReport? _recovery;

    public DateTimeOffset Started { get; } = time.GetUtcNow();

    public string Name => _name;

    public bool IsReady => _name == Ready;

    public RecoveryReport? Recovery => _recovery;

    public void Recovered(RecoveryReport report)
    {
        _recovery = report;

        // A stop that came during the recovery stays a stop.
        Interlocked.CompareExchange(ref _name, Ready, Recovering);
    }

    public void Stop() => _name = Stopping;

    /// <summary>Codes: <c>service-recovering</c>, <c>service-stopping</c>, both exit 5.</summary>
    public void ThrowUnlessReady()
    {
        switch (_name)
        {
            case Recovering:
                throw new HostException(
                    "service-recovering",
                    "The service has just started and still recovers interrupted operations.",
                    "Try again in a moment.");
            case Stopping:
                throw new HostException(
                    "service-stopping",
                    "The service is stopping and takes no new operations.",
                    "Try again when it has been started again.");
            default:
                return;
        }
    }
}
