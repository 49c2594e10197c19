using Checkpointer.Engine;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>A check counts snapshots and bytes; the display wants bytes and their speed.</summary>
internal sealed class CheckForwarding(string phase, IProgress<OperationProgress> target, TimeProvider time) : IProgress<CheckProgress>
{
    private readonly long _start = time.GetTimestamp();

    public void Report(CheckProgress value)
    {
        var seconds = time.GetElapsedTime(_start).TotalSeconds;
        target.Report(new OperationProgress
        {
            Phase = phase,
            BytesDone = value.BytesChecked,
            BytesPerSecond = seconds > 0 ? value.BytesChecked / seconds : 0,
        });
    }
}
