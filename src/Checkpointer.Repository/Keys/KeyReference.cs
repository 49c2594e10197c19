namespace Checkpointer.Repository;

/// <summary>
/// Where a key is, as one text for requests, configurations and journals (it holds no secret): the path of a key file, or <c>passphrase-file:</c> and the path
/// of a file with a passphrase.
/// </summary>
/// <param name="IsPassphrase">Whether the file holds a passphrase.</param>
/// <param name="Path">The path of the file.</param>
public readonly record struct KeyReference(bool IsPassphrase, string Path)
{
    /// <summary>How the text of a passphrase file begins. Persisted in journals.</summary>
    public const string PassphrasePrefix = "passphrase-file:";

    /// <summary>Whether the path means the same in every process.</summary>
    public bool IsAbsolute => Path.StartsWith('/');

    /// <summary>Reads the text; every text is one.</summary>
    public static KeyReference Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith(PassphrasePrefix, StringComparison.Ordinal)
            ? new KeyReference(true, text[PassphrasePrefix.Length..])
            : new KeyReference(false, text);
    }

    /// <summary>The same file by its whole path.</summary>
    public KeyReference Absolute() => this with { Path = System.IO.Path.GetFullPath(Path) };

    /// <summary>Reads the key. The codes of <see cref="KeyFile.Load"/> and <see cref="Passphrase.Load"/>.</summary>
    public RepositoryKey Load() => IsPassphrase ? Passphrase.Load(Path) : KeyFile.Load(Path);

    /// <inheritdoc/>
    public override string ToString() => IsPassphrase ? PassphrasePrefix + Path : Path;
}
