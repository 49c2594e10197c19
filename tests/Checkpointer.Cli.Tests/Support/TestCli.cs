using System.Text.Json;
using Checkpointer.Cli.Running;

namespace Checkpointer.Cli.Tests.Support;

/// <summary>The command line with a scripted outside: runs one line and keeps what it printed.</summary>
internal sealed class TestCli : IDisposable
{
    private readonly StringWriter _out = new();
    private readonly StringWriter _err = new();

    public Dictionary<string, string> Environment { get; } = [];

    public bool IsRoot { get; init; } = true;

    /// <summary>What a person types when a secret is asked for, one after the other.</summary>
    public Queue<string> Secrets { get; } = [];

    public bool InIsTerminal { get; init; }

    /// <summary>The sockets where a service answers.</summary>
    public HashSet<string> Services { get; } = [];

    public ScriptedRunner Embedded { get; init; } = new();

    public ScriptedRunner Service { get; init; } = new() { HasRepositories = true, CanInherit = false };

    public ScriptedRuntime Runtime { get; } = new();

    /// <summary>The endpoint of the run that asked for containers.</summary>
    public string? Endpoint { get; private set; }

    /// <summary>The service's configuration; by default there is none.</summary>
    public string ConfigurationFile { get; init; } = "/nonexistent/checkpointer.json";

    /// <summary>The settings of the run that opened a runner.</summary>
    public Settings? Seen { get; private set; }

    public Interrupts Interrupts { get; } = new();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public bool ErrIsTerminal { get; init; }

    public string Out => _out.ToString();

    public string Err => _err.ToString();

    public string[] OutLines => Lines(Out);

    public string[] ErrLines => Lines(Err);

    public async Task<int> RunAsync(params string[] arguments)
    {
        _out.GetStringBuilder().Clear();
        _err.GetStringBuilder().Clear();
        return await CommandLine.RunAsync(arguments, Host());
    }

    /// <summary>Standard output as the one object that <c>--json</c> promises.</summary>
    public JsonElement Json()
    {
        Assert.Single(OutLines);
        return JsonDocument.Parse(Out).RootElement;
    }

    public void Dispose() => Interrupts.Dispose();

    private CliHost Host() => new()
    {
        Out = _out,
        Err = _err,
        ErrIsTerminal = ErrIsTerminal,
        Environment = name => Environment.GetValueOrDefault(name),
        IsRoot = () => IsRoot,
        ReadSecret = _ => Secrets.Dequeue(),
        InIsTerminal = InIsTerminal,
        Interrupts = Interrupts,
        Time = Time,
        ServiceAnswers = Services.Contains,
        Service = (settings, _) => Open(settings, Service),
        Embedded = (settings, _) => Open(settings, Embedded),
        Containers = (settings, _) =>
        {
            Endpoint = settings.RuntimeEndpoint;
            return Runtime;
        },
        ConfigurationFile = ConfigurationFile,
    };

    private ScriptedRunner Open(Settings settings, ScriptedRunner runner)
    {
        Seen = settings;
        return runner;
    }

    private static string[] Lines(string text) => text.Length == 0 ? [] : text.TrimEnd('\n').Split('\n');
}
