using System.CommandLine;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>The options that name a key to be added.</summary>
internal sealed class NewKeyOptions
{
    private readonly Option<string> _keyFile = OptionKinds.Text(
        "--new-key-file", "FILE", "The new key file; made where it does not exist.", "--new-key-file ./new.key");

    private readonly Option<string> _passphraseFile = OptionKinds.Text(
        "--new-passphrase-file", "FILE", "A file with the new passphrase; - asks for it.", "--new-passphrase-file /run/secrets/passphrase");

    private readonly Option<string> _label = OptionKinds.Text("--label", "TEXT", "What 'key list' calls it.", "--label 'node pool b'");

    public void AddTo(Command command)
    {
        command.Options.Add(_keyFile);
        command.Options.Add(_passphraseFile);
        command.Options.Add(_label);
    }

    public string? Label(ParseResult parse) => parse.GetValue(_label);

    /// <summary>Refuses what cannot be meant, before anything is asked or made.</summary>
    public void Check(ParseResult parse)
    {
        if (parse.GetValue(_keyFile) is null == parse.GetValue(_passphraseFile) is null)
        {
            throw new UsageException(
                "usage", "exactly one of --new-key-file and --new-passphrase-file is needed", "Name the key that shall open the repository too.");
        }
    }

    /// <summary>Reads the new key, or makes the key file.</summary>
    public RepositoryKey Load(ParseResult parse, CliHost host, out bool created)
    {
        created = false;
        if (parse.GetValue(_keyFile) is { } path)
        {
            path = Path.GetFullPath(path);
            created = !File.Exists(path);
            return KeyFile.LoadOrCreate(path);
        }

        var file = parse.GetValue(_passphraseFile)!;
        if (file != KeyChoice.StandardInput)
        {
            return Passphrase.Load(Path.GetFullPath(file));
        }

        var text = host.ReadSecret("New passphrase: ");
        return !host.InIsTerminal || host.ReadSecret("The same again: ") == text
            ? Passphrase.FromText(text, "standard input")
            : throw new UsageException("passphrase-differs", "the two passphrases are not the same; nothing was changed", "Try again.");
    }
}
