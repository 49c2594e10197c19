using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>What there is to say about a key that was just made or read.</summary>
internal static class KeyFileNote
{
    public static void Print(VerbContext context, RepositoryKey key, bool created)
    {
        if (key is KeyFile file && created)
        {
            context.Explain($"{file.Path} was made. Keep a copy in a safe place; whoever has it can read every snapshot.");
        }

        if (key.Warning is { } warning)
        {
            context.Host.Lines.Write(Errors.ErrorText.OneLine($"warning: {warning}"));
        }
    }
}
