namespace Checkpointer.Cli.Completion;

/// <summary>The completion scripts, built into the executable.</summary>
internal static class CompletionScripts
{
    public static readonly IReadOnlyList<string> Shells = ["bash", "zsh", "fish"];

    public static string For(string shell)
    {
        using var stream = typeof(CompletionScripts).Assembly.GetManifestResourceStream($"completion.{shell}")
            ?? throw new InvalidOperationException($"This build has no completion script for {shell}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
