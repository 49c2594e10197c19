using System.Security.Cryptography;
using System.Text.Json;
using Checkpointer.Platform;

namespace Checkpointer.Repository;

/// <summary>The secret that opens repositories: a small file, readable by its owner only. Its loss makes every repository that it alone opens unreadable.</summary>
public sealed class KeyFile : RepositoryKey
{
    internal const string Format = "checkpointer-key-file";
    internal const int Version = 1;
    internal const int SecretSize = 32;

    private readonly byte[] _secret;

    private KeyFile(string path, string id, byte[] secret, string? warning)
    {
        Path = path;
        Id = id;
        _secret = secret;
        Warning = warning;
    }

    public string Path { get; }

    /// <summary>Public: names <c>keys/&lt;id&gt;</c> in a repository. 32 hex digits.</summary>
    public string Id { get; }

    /// <inheritdoc/>
    public override string Description => $"the key file {Path} (id {Id})";

    /// <inheritdoc/>
    public override string? Warning { get; }

    internal ReadOnlySpan<byte> Secret => _secret;

    /// <summary>Codes key-file-not-found and key-file-invalid.</summary>
    public static KeyFile Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] json;
        string? warning;
        try
        {
            json = SecretFile.Read(path, FormatConstants.MaxKeyObject, out warning);
        }
        catch (InvalidDataException e)
        {
            throw Invalid(path, e.Message, e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RepositoryException(RepositoryCodes.KeyFileNotFound, $"the key file {path} does not exist", "name the key file that the repository was made with by --key-file: nothing else opens it, and a new one does not ('checkpointer init' makes one for a new repository)", e);
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw Invalid(path, e.Message, e);
        }

        return Parse(path, json, warning);
    }

    /// <summary>Loads the file, or makes it (mode 0600, exclusively, durable). Never overwrites anything.</summary>
    public static KeyFile LoadOrCreate(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            KeyFileDocument document = new()
            {
                Format = Format,
                Version = Version,
                Id = ObjectId.New().ToString(),
                Secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretSize)),
            };
            try
            {
                MakeDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)));

                // False when somebody else made it in the meantime: then theirs is loaded.
                DurableFile.Create(path, JsonSerializer.SerializeToUtf8Bytes(document, RepositoryJson.Default.KeyFileDocument), createOnly: true);
            }
            catch (Exception e) when (StoreError.IsExpected(e))
            {
                throw new RepositoryException(RepositoryCodes.KeyFileInvalid, $"the key file {path} could not be made: {e.Message}", "name a writable place with --key-file", e);
            }
        }

        return Load(path);
    }

    /// <summary>As durable as the key in it: a repository must never outlive its only key.</summary>
    private static void MakeDirectory(string? directory)
    {
        if (directory is null || Directory.Exists(directory))
        {
            return;
        }

        string? parent = System.IO.Path.GetDirectoryName(directory);
        MakeDirectory(parent);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (parent is not null)
        {
            DurableFile.SyncDirectory(parent);
        }
    }

    private static KeyFile Parse(string path, byte[] json, string? warning)
    {
        KeyFileDocument? document;
        try
        {
            document = JsonSerializer.Deserialize(json, RepositoryJson.Default.KeyFileDocument);
        }
        catch (JsonException e)
        {
            throw Invalid(path, "it is not JSON", e);
        }

        if (document?.Format != Format)
        {
            throw Invalid(path, "it is not a key file of checkpointer");
        }

        if (document.Version > Version)
        {
            throw Invalid(path, "it was made by a newer checkpointer");
        }

        if (!ObjectId.TryParse(document.Id, out ObjectId id) || !HexText.TryParseBytes(document.Secret, SecretSize, out byte[] secret))
        {
            throw Invalid(path, "its id or secret is malformed");
        }

        return new KeyFile(path, id.ToString(), secret, warning);
    }

    // The message never quotes the file: it may hold a secret.
    private static RepositoryException Invalid(string path, string why, Exception? inner = null) =>
        new(RepositoryCodes.KeyFileInvalid, $"the key file {path} cannot be used: {why}", "restore the key file from its backup, or name another with --key-file", inner);
}
