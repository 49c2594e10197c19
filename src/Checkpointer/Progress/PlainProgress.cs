using Checkpointer.Engine;

namespace Checkpointer.Cli.Progress;

/// <summary>
/// Lines for logs and pipes: one when a phase begins, one when it ends, and one now and then between. No times of day, no cursor.
/// </summary>
internal sealed class PlainProgress(StderrLines lines, TimeProvider time) : IProgressDisplay, IProgress<OperationProgress>
{
    /// <summary>Often enough to see that it lives, seldom enough for a log.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private OperationProgress? _last;
    private long _phaseStart;
    private long _lastLine;

    public async Task<T> ShowAsync<T>(Func<IProgress<OperationProgress>, Task<T>> work)
    {
        var result = await work(this).ConfigureAwait(false);
        lock (_lock)
        {
            EndPhase();
        }

        return result;
    }

    public void Report(OperationProgress value)
    {
        lock (_lock)
        {
            if (_last?.Phase != value.Phase)
            {
                EndPhase();
                _last = value;
                _phaseStart = _lastLine = time.GetTimestamp();
                if (value.Phase != OperationPhase.Done)
                {
                    lines.Write($"{value.Phase} ...");
                }

                return;
            }

            _last = value;
            if (time.GetElapsedTime(_lastLine) >= Interval && ProgressText.Running(value) is { Length: > 0 } text)
            {
                _lastLine = time.GetTimestamp();
                lines.Write($"{value.Phase}: {text}");
            }
        }
    }

    private void EndPhase()
    {
        if (_last is { } last && last.Phase != OperationPhase.Done)
        {
            lines.Write($"{last.Phase}: {ProgressText.Finished(last, time.GetElapsedTime(_phaseStart))}");
        }

        _last = null;
    }
}
