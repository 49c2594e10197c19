using System.Runtime.InteropServices;
using Checkpointer.Cli.Running;
using Checkpointer.Engine;

namespace Checkpointer.Cli.Verbs;

/// <summary>The part of <c>restore --wait</c> after the restore: hands signals on and waits for the tree's end.</summary>
internal static class Attachment
{
    /// <summary>Linux numbers; they are the same on every architecture that we build for.</summary>
    private const int SigHup = 1;
    private const int SigInt = 2;
    private const int SigTerm = 15;

    /// <summary>A signal is one small request; an owner that does not take it within this time is told about.</summary>
    private static readonly TimeSpan SignalTimeout = TimeSpan.FromSeconds(10);

    /// <param name="context">The run of the verb.</param>
    /// <param name="runner">Who restored the tree.</param>
    /// <param name="result">What came of it.</param>
    /// <param name="tell">Tells the result: only once signals are handed on, since whoever reads it may send one at once.</param>
    /// <param name="cancellationToken">Ends the wait, not the tree.</param>
    public static async Task<int> WaitAsync(
        VerbContext context, IRunner runner, RestoreResult result, Action tell, CancellationToken cancellationToken)
    {
        using var forwarding = context.Host.Interrupts.Forward(signal => _ = ForwardAsync(context, runner, result.Operation, signal));
        tell();
        var exit = await runner.WaitForTreeAsync(result.Operation, cancellationToken).ConfigureAwait(false);
        context.Explain(exit.Signal is { } number
            ? $"the workload was ended by signal {number}"
            : $"the workload ended with exit code {exit.ExitCode}");
        return exit.ShellCode;
    }

    private static async Task ForwardAsync(VerbContext context, IRunner runner, string operation, PosixSignal signal)
    {
        var number = signal switch
        {
            PosixSignal.SIGINT => SigInt,
            PosixSignal.SIGHUP => SigHup,
            _ => SigTerm,
        };
        using var deadline = new CancellationTokenSource(SignalTimeout, context.Host.Time);
        try
        {
            await runner.SignalTreeAsync(operation, number, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is CheckpointerException or OperationCanceledException)
        {
            // The wait goes on: the tree has ended meanwhile, or it still runs and a person must know that it was not told.
            context.Host.Lines.Write($"warning: signal {number} did not reach the workload: {e.Message}");
        }
    }
}
