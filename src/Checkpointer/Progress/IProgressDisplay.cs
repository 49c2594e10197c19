using Checkpointer.Engine;

namespace Checkpointer.Cli.Progress;

/// <summary>Shows an operation while it runs, on standard error.</summary>
internal interface IProgressDisplay
{
    /// <summary>Runs <paramref name="work"/>, which reports from any thread, and shows it until it ends.</summary>
    Task<T> ShowAsync<T>(Func<IProgress<OperationProgress>, Task<T>> work);
}
