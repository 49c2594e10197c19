using System.Globalization;
using System.Text;
using Checkpointer.Engine.Criu;
using CliWrap;

namespace Checkpointer.Engine.Restoring;

/// <summary>Starts the owner of a tree that is to be restored. It leaves our session and outlives us.</summary>
internal static class TreeLauncher
{
    /// <summary>The launcher forks, mounts and listens: far below a second on a healthy machine.</summary>
    private static readonly TimeSpan LaunchDeadline = TimeSpan.FromSeconds(40);

    /// <summary>The launcher prints one line. Bytes.</summary>
    private const int MaxOutput = 16 << 10;

    /// <summary>Starts it and returns the owner's pid in our pid namespace.</summary>
    public static async Task<int> StartAsync(
        string init, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?> environment, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(LaunchDeadline);
        var output = new StringBuilder();
        var errors = new StringBuilder();
        var command = CliWrap.Cli.Wrap(init)
            .WithArguments(arguments)
            .WithEnvironmentVariables(CriuEnvironment.Build(environment))
            .WithValidation(CommandResultValidation.None)
            .WithStandardOutputPipe(PipeTarget.ToDelegate(line => Append(output, line)))
            .WithStandardErrorPipe(PipeTarget.ToDelegate(line => Append(errors, line)));
        CommandResult result;
        try
        {
            result = await command.ExecuteAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            // The deadline is ours: nobody cancelled anything.
            throw new OperationFailedException(
                "tree-launch", $"checkpointer-init was not ready within {Durations.Format(LaunchDeadline)}.", "Look at the load of this machine.", e);
        }

        var words = output.ToString().Trim().Split(' ');
        if (result.ExitCode == 0 && words.Length == 2 && words[0] == "ready"
            && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
        {
            return pid;
        }

        throw new OperationFailedException(
            "tree-launch",
            $"checkpointer-init could not start: {errors.ToString().Trim()}",
            "Look at the message; namespaces, cgroups and the state directory must be usable by root.");
    }

    private static void Append(StringBuilder text, string line)
    {
        if (text.Length + line.Length < MaxOutput)
        {
            text.Append(line).Append('\n');
        }
    }
}
