using System.Text;

namespace Checkpointer.Repository;

/// <summary>
/// A secret that a person can remember or that a secret store hands out as one line of text. It goes through a slow derivation, so that guessing costs an attacker
/// who has the store about as much per guess as opening costs us. Bytes are taken as they are: no normalisation of any kind.
/// </summary>
public sealed class Passphrase : RepositoryKey
{
    /// <summary>Characters that a new one must have. An attacker who has a copy of the store guesses as long as he likes; what is already in use still opens.</summary>
    public const int MinNewLength = 12;

    /// <summary>Bytes of a passphrase.</summary>
    public const int MaxLength = 1024;

    private readonly byte[] _bytes;

    private Passphrase(byte[] bytes, string description, string? warning)
    {
        _bytes = bytes;
        Description = description;
        Warning = warning;
    }

    /// <inheritdoc/>
    public override string Description { get; }

    /// <inheritdoc/>
    public override string? Warning { get; }

    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Reads one line of a file; a line feed at its end (also CR LF) does not belong to it. Codes passphrase-file-not-found and passphrase-invalid.</summary>
    public static Passphrase Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string description = $"the passphrase in {path}";
        try
        {
            byte[] bytes = SecretFile.Read(path, MaxLength + 2, out string? warning);
            return Make(bytes, description, warning);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RepositoryException(
                RepositoryCodes.PassphraseFileNotFound, $"the passphrase file {path} does not exist", "name an existing one with --passphrase-file", e);
        }
        catch (Exception e) when (e is InvalidDataException || StoreError.IsExpected(e))
        {
            throw Invalid(description, e.Message, e);
        }
    }

    /// <summary>Takes what a person typed or an environment variable holds; <paramref name="source"/> says which, for errors. Code passphrase-invalid.</summary>
    public static Passphrase FromText(string text, string source)
    {
        ArgumentNullException.ThrowIfNull(text);
        string description = $"the passphrase from {source}";
        return text.Length > MaxLength ? throw Invalid(description, "it is too long") : Make(Encoding.UTF8.GetBytes(text), description, null);
    }

    /// <summary>To be asked before it is given to a repository. Code passphrase-short.</summary>
    internal void RequireStrength()
    {
        if (Encoding.UTF8.GetCharCount(_bytes) < MinNewLength)
        {
            throw new UsageException(
                "passphrase-short",
                $"{Description} has fewer than {MinNewLength} characters; whoever copies the store can guess it",
                "take several random words, or use a key file");
        }
    }

    private static Passphrase Make(byte[] bytes, string description, string? warning)
    {
        ReadOnlySpan<byte> text = bytes;
        if (text.EndsWith("\n"u8))
        {
            text = text[..^1];
            text = text.EndsWith("\r"u8) ? text[..^1] : text;
        }

        string? wrong = text.Length switch
        {
            0 => "it is empty",
            > MaxLength => "it is too long",
            _ when text.ContainsAny("\n\r\0"u8) => "it has more than one line",
            _ when text.StartsWith("{"u8) && text.IndexOf("checkpointer-key-file"u8) >= 0 => "it is a key file, to be named with --key-file",
            _ => null,
        };
        return wrong is null ? new Passphrase(text.ToArray(), description, warning) : throw Invalid(description, wrong);
    }

    // The message never quotes the passphrase.
    private static RepositoryException Invalid(string description, string why, Exception? inner = null) =>
        new(RepositoryCodes.PassphraseInvalid, $"{description} cannot be used: {why}", "a passphrase is one line of text", inner);
}
