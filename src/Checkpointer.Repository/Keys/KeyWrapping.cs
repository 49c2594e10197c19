using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Checkpointer.Repository;

/// <summary>The master key as it lies in <c>keys/&lt;id&gt;</c>: sealed by a key file or by a passphrase.</summary>
internal static class KeyWrapping
{
    internal const string Format = "checkpointer-key";
    internal const string Kdf = "hkdf-sha256";
    internal const string SlowKdf = "pbkdf2-hmac-sha512";

    /// <summary>Rounds for a new passphrase, and the least that is accepted: about half a second of one core.</summary>
    internal const int Iterations = 600_000;

    /// <summary>The most that is accepted of one object: seconds, not hours, whatever a store offers.</summary>
    internal const int MaxIterations = 10_000_000;

    private const int SaltSize = 16;

    /// <summary>A new object: the ring's master key, wrapped by <paramref name="key"/>, with an authenticated label and time.</summary>
    public static byte[] Wrap(RepositoryKey key, string id, KeyRing ring, string? label, DateTimeOffset created)
    {
        bool slow = key is Passphrase;
        byte[] salt = RandomNumberGenerator.GetBytes(SaltSize);
        byte[] nonce = RandomNumberGenerator.GetBytes(FormatConstants.NonceSize);
        KeyDocument document = new()
        {
            Format = Format,
            Version = FormatConstants.Version,
            KeyFile = slow ? null : id,
            Passphrase = slow ? id : null,
            Repository = ring.Repository.ToString(),
            Kdf = slow ? SlowKdf : Kdf,
            Iterations = slow ? Iterations : null,
            Salt = Convert.ToHexStringLower(salt),
            Nonce = Convert.ToHexStringLower(nonce),
            Label = label,
            Created = created.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        };
        byte[] wrapped = new byte[FormatConstants.KeySize + FormatConstants.TagSize];
        using (AesGcm aes = Cipher(key, salt, document.Iterations ?? 0))
        {
            Span<byte> master = stackalloc byte[FormatConstants.KeySize];
            ring.CopyMaster(master);
            aes.Encrypt(nonce, master, wrapped.AsSpan(0, FormatConstants.KeySize), wrapped.AsSpan(FormatConstants.KeySize), AssociatedData(document, id));
            CryptographicOperations.ZeroMemory(master);
        }

        document = document with { Wrapped = Convert.ToHexStringLower(wrapped) };
        document = document with { InfoMac = Convert.ToHexStringLower(ring.KeyInfoMac(InfoText(document, id))) };
        return JsonSerializer.SerializeToUtf8Bytes(document, RepositoryJson.Default.KeyDocument);
    }

    /// <summary>The fields of a key object, bounded. Codes repository-damaged and repository-too-new.</summary>
    public static KeyDocument Parse(string id, ReadOnlySpan<byte> json)
    {
        string name = ObjectNames.Key(id);
        KeyDocument document = RepositoryJson.Parse(json, RepositoryJson.Default.KeyDocument, name);
        if (document.Format == Format && document.Version > FormatConstants.Version)
        {
            throw Damage.TooNew(name, document.Version);
        }

        bool kind = document.Kdf switch
        {
            Kdf => document.KeyFile == id && document is { Passphrase: null, Iterations: null },
            SlowKdf => document.Passphrase == id && document is { KeyFile: null, Iterations: >= Iterations and <= MaxIterations },
            _ => false,
        };
        return kind
            && document.Format == Format
            && document.Version == FormatConstants.Version
            && ObjectId.TryParse(document.Repository, out _)
            && HexText.TryParseBytes(document.Salt, SaltSize, out _)
            && HexText.TryParseBytes(document.Nonce, FormatConstants.NonceSize, out _)
            && HexText.TryParseBytes(document.Wrapped, FormatConstants.KeySize + FormatConstants.TagSize, out _)
            && (document.Label is null || KeyLabels.IsValid(document.Label))
            && (document.Created is null || KeyLabels.IsValid(document.Created))
            && (document.InfoMac is not null || document is { Label: null, Created: null })
            ? document
            : throw Damage.Of(name, "a field is missing or malformed");
    }

    /// <summary>The ring of the repository that the key object names. Codes repository-damaged, repository-too-new, wrong-key.</summary>
    public static KeyRing Unwrap(KeyFile key, byte[] json, string place) =>
        TryUnwrap(key, key.Id, Parse(key.Id, json)) ?? throw Wrong(key, place);

    /// <summary>Null: the key does not open it. A label or time that was changed is repository-damaged.</summary>
    public static KeyRing? TryUnwrap(RepositoryKey key, string id, KeyDocument document)
    {
        if (document.Kdf == SlowKdf != key is Passphrase)
        {
            return null;
        }

        ObjectId.TryParse(document.Repository, out ObjectId repository);
        byte[] wrapped = Convert.FromHexString(document.Wrapped!);
        Span<byte> master = stackalloc byte[FormatConstants.KeySize];
        KeyRing ring;
        try
        {
            using AesGcm aes = Cipher(key, Convert.FromHexString(document.Salt!), document.Iterations ?? 0);
            aes.Decrypt(
                Convert.FromHexString(document.Nonce!),
                wrapped.AsSpan(0, FormatConstants.KeySize),
                wrapped.AsSpan(FormatConstants.KeySize),
                master,
                AssociatedData(document, id));
            ring = new KeyRing(master, repository);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(master);
        }

        if (TrustOf(id, document, ring) != KeyTrust.Unsound)
        {
            return ring;
        }

        ring.Dispose();
        throw Damage.Of(ObjectNames.Key(id), "its label or time was changed");
    }

    /// <summary>Whether a holder of the ring's master key made the object.</summary>
    public static KeyTrust TrustOf(string id, KeyDocument document, KeyRing ring)
    {
        if (document.Repository != ring.Repository.ToString())
        {
            return KeyTrust.Unsound;
        }

        if (document.InfoMac is null)
        {
            return KeyTrust.Unlabelled;
        }

        return HexText.TryParseBytes(document.InfoMac, HMACSHA256.HashSizeInBytes, out byte[] mac)
            && CryptographicOperations.FixedTimeEquals(mac, ring.KeyInfoMac(InfoText(document, id)))
            ? KeyTrust.Verified
            : KeyTrust.Unsound;
    }

    public static RepositoryException Wrong(RepositoryKey key, string place, Exception? inner = null) =>
        new(
            RepositoryCodes.WrongKey,
            $"{key.Description} does not open the repository in {place}",
            key is Passphrase
                ? "check the passphrase; a key file is named with --key-file"
                : "name the key file that was used at 'checkpointer init' with --key-file",
            inner)
        { ObjectName = key is KeyFile file ? ObjectNames.Key(file.Id) : null };

    private static AesGcm Cipher(RepositoryKey key, byte[] salt, int iterations)
    {
        Span<byte> wrapping = stackalloc byte[FormatConstants.KeySize];
        switch (key)
        {
            case KeyFile file:
                HKDF.DeriveKey(HashAlgorithmName.SHA256, file.Secret, wrapping, salt, "checkpointer/wrap/v1"u8);
                break;
            case Passphrase passphrase:
                Rfc2898DeriveBytes.Pbkdf2(passphrase.Bytes, salt, wrapping, iterations, HashAlgorithmName.SHA512);
                break;
            default:
                throw new ArgumentException($"unknown kind of key {key.GetType().Name}", nameof(key));
        }

        AesGcm aes = new(wrapping, FormatConstants.TagSize);
        CryptographicOperations.ZeroMemory(wrapping);
        return aes;
    }

    /// <summary>What the seal of the master key covers besides: whose it is, and how the wrapping key was derived.</summary>
    private static byte[] AssociatedData(KeyDocument document, string id) => Encoding.ASCII.GetBytes(
        document.Kdf == SlowKdf
            ? string.Create(CultureInfo.InvariantCulture, $"{Format}|1|{id}|{document.Repository}|{SlowKdf}|{document.Iterations}")
            : $"{Format}|1|{id}|{document.Repository}");

    /// <summary>What the mac of label and time covers: the whole object. A label has no line feed.</summary>
    private static byte[] InfoText(KeyDocument d, string id) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"{Format}\n{d.Version}\n{id}\n{d.Repository}\n{d.Kdf}\n{d.Iterations}\n{d.Salt}\n{d.Nonce}\n{d.Wrapped}\n{d.Created}\n{d.Label}\n"));
}
