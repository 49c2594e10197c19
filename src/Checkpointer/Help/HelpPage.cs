namespace Checkpointer.Cli.Help;

/// <summary>The parts of a help page that the options do not tell by themselves.</summary>
internal sealed record HelpPage
{
    /// <summary>Paragraphs; each is wrapped on its own.</summary>
    public required IReadOnlyList<string> Description { get; init; }

    public IReadOnlyList<HelpExample> Examples { get; init; } = [];

    /// <summary>What this verb can end with, and what it means here.</summary>
    public required IReadOnlyList<HelpExit> ExitCodes { get; init; }

    /// <summary>
    /// The global options that this verb listens to, by name; <c>--json</c>, <c>--quiet</c> and <c>--help</c> are always there.
    /// </summary>
    public IReadOnlyList<string> Globals { get; init; } = [];

    /// <summary>The environment variables that this verb reads.</summary>
    public IReadOnlyList<HelpVariable> Environment { get; init; } = [];

    /// <summary>The fields of its <c>--json</c> object; null where there is none.</summary>
    public string? Json { get; init; }
}

/// <summary>A command line and what it does.</summary>
internal sealed record HelpExample(string Text, string Command);

/// <summary>An exit code and when it comes.</summary>
internal sealed record HelpExit(ExitCode Code, string Meaning);

/// <summary>An environment variable and what it stands for.</summary>
internal sealed record HelpVariable(string Name, string Meaning);
