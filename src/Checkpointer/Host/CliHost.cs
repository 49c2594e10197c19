using Checkpointer.Cli.Running;
using Checkpointer.Engine.Containers;
using Checkpointer.Node;
using Checkpointer.Node.Client;
using Checkpointer.Node.Cri;

namespace Checkpointer.Cli;

/// <summary>
/// Everything outside that a verb touches: streams, environment, clock, signals, and who does the work. Tests give their own.
/// </summary>
internal sealed class CliHost : IDisposable
{
    /// <summary>Results only; with <c>--json</c> exactly one object.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Progress, logs and errors.</summary>
    public required TextWriter Err { get; init; }

    /// <summary>Whether <see cref="Err"/> is a terminal that understands cursor movement.</summary>
    public bool ErrIsTerminal { get; init; }

    /// <summary>Asks a person for a secret, or takes a line from standard input; the text is the prompt.</summary>
    public Func<string, string> ReadSecret { get; init; } = SecretPrompt.Read;

    /// <summary>Whether a person answers <see cref="ReadSecret"/>.</summary>
    public bool InIsTerminal { get; init; }

    public required Func<string, string?> Environment { get; init; }

    public required Func<bool> IsRoot { get; init; }

    public required Interrupts Interrupts { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Whether a service listens on a socket path.</summary>
    public Func<string, bool> ServiceAnswers { get; init; } = NodeClient.IsServiceAt;

    /// <summary>Makes the runner that talks to the service on the settings' socket.</summary>
    public Func<Settings, CliHost, IRunner> Service { get; init; } = static (settings, host) =>
        new ServiceRunner(settings.Socket, host.Lines, host.Time);

    /// <summary>Makes the runner that has the engine in this process.</summary>
    public Func<Settings, CliHost, IRunner> Embedded { get; init; } = EmbeddedRunner.Create;

    /// <summary>Makes the client of the container runtime that the settings name; where they name none, of the first usual one that answers.</summary>
    public Func<Settings, CliHost, IContainerRuntime> Containers { get; init; } = static (settings, host) =>
        new CriRuntime(new CriOptions { Endpoint = settings.RuntimeEndpoint, Given = settings.RuntimeEndpointGiven }, host.Time);

    /// <summary>The node service's configuration, where it exists: its runtime is the one of the command line too.</summary>
    public string ConfigurationFile { get; init; } = NodeConfiguration.DefaultPath;

    /// <summary>Where log lines go: <see cref="Err"/>, or above the live progress while it is shown.</summary>
    public StderrLines Lines => field ??= new StderrLines(Err);

    /// <summary>The real process.</summary>
    public static CliHost ForProcess() => new()
    {
        Out = Console.Out,
        Err = Console.Error,
        ErrIsTerminal = !Console.IsErrorRedirected && System.Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"),
        InIsTerminal = !Console.IsInputRedirected,
        Environment = System.Environment.GetEnvironmentVariable,
        IsRoot = static () => System.Environment.IsPrivilegedProcess,
        Interrupts = new Interrupts(),
    };

    /// <summary>
    /// A directory that was deleted under us is no place to work in: nothing can be started there. We go to the root, and say so,
    /// since relative paths mean something else then.
    /// </summary>
    public void LeaveDeletedDirectory()
    {
        try
        {
            _ = Directory.GetCurrentDirectory();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Directory.SetCurrentDirectory("/");
            Lines.Write("warning: the current directory does not exist any more; relative paths are looked for in /");
        }
    }

    public void Dispose() => Interrupts.Dispose();
}
