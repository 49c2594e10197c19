using System.Globalization;
using System.Text;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using CliWrap;

namespace Checkpointer.Engine.Containers;

/// <summary>Ends what a restore that failed left in its placeholder, which then waits for another.</summary>
internal static class ContainerEnding
{
    /// <summary>It kills, and waits up to 10 s for the dying; twice that is a machine that stands still.</summary>
    private static readonly TimeSpan ClearDeadline = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Null when nothing is left, else what is. It is done from outside and as root (<c>checkpointer-init clear</c>): the placeholder may
    /// run as a user who can kill nobody. Another operation's restore is left alone.
    /// </summary>
    public static async Task<string?> AbandonAsync(EngineServices services, JournalEntry entry)
    {
        if (entry.Container is not { } container || Find(container) is not { } init || HoldConnection.StateOf(init.Pid) == HoldState.None)
        {
            // A plain tree, or the container is gone and everything in it.
            return null;
        }

        var errors = new StringBuilder();
        using CancellationTokenSource deadline = new(ClearDeadline);
        try
        {
            var result = await CliWrap.Cli.Wrap(services.Init)
                .WithArguments(["clear", "--into", init.Pid.ToString(CultureInfo.InvariantCulture), "--operation", entry.Operation])
                .WithEnvironmentVariables(CriuEnvironment.Build(new Dictionary<string, string?>()))
                .WithValidation(CommandResultValidation.None)
                // Read, although nobody wants it: without a reader its last word would end it with SIGPIPE.
                .WithStandardOutputPipe(PipeTarget.ToStringBuilder(new StringBuilder()))
                .WithStandardErrorPipe(PipeTarget.ToStringBuilder(errors))
                .ExecuteAsync(deadline.Token)
                .ConfigureAwait(false);
            return result.ExitCode == 0 || !init.IsAlive() ? null : $"the placeholder {container.Id} does not let go of it: {errors.ToString().Trim()}";
        }
        catch (OperationCanceledException)
        {
            return $"the placeholder {container.Id} was not cleared within {Durations.Format(ClearDeadline)}";
        }
    }

    /// <summary>The placeholder's PID 1 if it still runs.</summary>
    public static ProcessIdentity? Find(JournalContainer container) =>
        ProcessIdentity.Of(container.Pid) is { } init && init.StartTime == container.StartTime ? init : null;
}
