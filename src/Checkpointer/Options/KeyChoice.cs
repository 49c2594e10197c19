using Checkpointer.Repository;

namespace Checkpointer.Cli;

/// <summary>
/// Which key a person chose, not yet read. A passphrase itself never stands on the command line: it comes from a file, from standard
/// input, or from a variable.
/// </summary>
internal sealed record KeyChoice
{
    /// <summary>The value of a passphrase option that means standard input.</summary>
    public const string StandardInput = "-";

    public static readonly KeyChoice Default = new() { File = new KeyReference(false, Settings.DefaultKeyFile) };

    /// <summary>The file by its whole path; null where the passphrase comes from elsewhere.</summary>
    public KeyReference? File { get; init; }

    /// <summary>The passphrase of the environment variable; kept out of every text.</summary>
    public string? Text { get; init; }

    /// <summary>
    /// Whether somebody named a file, or asked to be asked: the service has keys of its own and is told only what a person chose.
    /// </summary>
    public bool Chosen { get; init; }

    /// <summary>Only a variable chose it: a service that has keys of its own is not told, see <c>RepositoryChoice</c>.</summary>
    public bool FromVariable { get; init; }

    /// <summary>Options win over variables; a file wins over the text in a variable. Two of one kind are a usage error.</summary>
    public static KeyChoice Read(string? keyFile, string? passphraseFile, string? keyVariable, string? fileVariable, string? textVariable)
    {
        if (keyFile is not null && passphraseFile is not null)
        {
            throw new UsageException("usage", "both --key-file and --passphrase-file are given", "Name the one that opens the repository.");
        }

        if (keyFile is not null)
        {
            return OfKeyFile(keyFile);
        }

        if (passphraseFile is not null)
        {
            return OfPassphrase(passphraseFile);
        }

        if (keyVariable is not null && fileVariable is not null)
        {
            throw new UsageException(
                "usage", $"both {EnvironmentNames.KeyFile} and {EnvironmentNames.PassphraseFile} are set", "Unset one of them.");
        }

        return keyVariable is not null ? OfKeyFile(keyVariable) with { FromVariable = true }
            : fileVariable is not null ? OfPassphrase(fileVariable) with { FromVariable = true }
            : textVariable is not null ? new KeyChoice { Text = textVariable }
            : Default;
    }

    /// <summary>
    /// The file, for work that must be able to open the repository again when its process was killed: a passphrase that is in nobody's
    /// file cannot be had again.
    /// </summary>
    public string RequireFile() => File?.ToString() ?? throw new UsageException(
        "passphrase-needs-file",
        "a checkpoint or restore needs its key in a file: when it is killed, its recovery must be able to open the repository",
        "Name a key file with --key-file or a file with --passphrase-file.");

    /// <summary>The path of the key file, for those who make one.</summary>
    public string RequireKeyFile() => File is { IsPassphrase: false, Path: var path } ? path : throw new UsageException(
        "usage", "a key file is needed here, not a passphrase", "Name it with --key-file.");

    /// <summary>Reads the key; asks a person where it has to.</summary>
    public RepositoryKey Load(CliHost host)
    {
        var key = File?.Load()
            ?? (Text is null
                ? Passphrase.FromText(host.ReadSecret("Passphrase: "), "standard input")
                : Passphrase.FromText(Text, EnvironmentNames.Passphrase));
        if (key.Warning is { } warning)
        {
            host.Lines.Write(Errors.ErrorText.OneLine($"warning: {warning}"));
        }

        return key;
    }

    /// <inheritdoc/>
    public override string ToString() => File?.ToString() ?? "a passphrase";

    private static KeyChoice OfKeyFile(string path) => new() { File = new KeyReference(false, Path.GetFullPath(path)), Chosen = true };

    private static KeyChoice OfPassphrase(string path) => path == StandardInput
        ? new KeyChoice { Chosen = true }
        : new KeyChoice { File = new KeyReference(true, Path.GetFullPath(path)), Chosen = true };
}
