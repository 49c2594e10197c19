using Checkpointer.Engine;

namespace Checkpointer.Cli.Progress;

/// <summary>Chooses the display: none with <c>--quiet</c>, a live one on a terminal, plain lines otherwise.</summary>
internal static class ProgressDisplays
{
    public static IProgressDisplay For(CliHost host, Settings settings)
    {
        if (settings.Quiet)
        {
            return new NoProgress();
        }

        return host.ErrIsTerminal ? new LiveProgress(host.Err, host.Lines, host.Time) : new PlainProgress(host.Lines, host.Time);
    }

    private sealed class NoProgress : IProgressDisplay, IProgress<OperationProgress>
    {
        public Task<T> ShowAsync<T>(Func<IProgress<OperationProgress>, Task<T>> work) => work(this);

        public void Report(OperationProgress value)
        {
            // Nobody looks.
        }
    }
}
