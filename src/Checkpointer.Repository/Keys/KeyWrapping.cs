using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Checkpointer.Repository;

/// <summary>The master key as it lies in <c>keys/&lt;id&gt;</c>: sealed by a key file.</summary>
internal static class KeyWrapping
{
    internal const string Format = "checkpointer-key";
    internal const string Kdf = "hkdf-sha256";
    private const int SaltSize = 16;

    public static byte[] Wrap(KeyFile key, ObjectId repository, ReadOnlySpan<byte> master)
    {
        Span<byte> salt = stackalloc byte[SaltSize];
        Span<byte> nonce = stackalloc byte[FormatConstants.NonceSize];
        RandomNumberGenerator.Fill(salt);
        RandomNumberGenerator.Fill(nonce);
        byte[] wrapped = new byte[FormatConstants.KeySize + FormatConstants.TagSize];
        using (AesGcm aes = Cipher(key, salt))
        {
            aes.Encrypt(
                nonce,
                master,
                wrapped.AsSpan(0, FormatConstants.KeySize),
                wrapped.AsSpan(FormatConstants.KeySize),
                AssociatedData(key.Id, repository));
        }

        KeyDocument document = new()
        {
            Format = Format,
            Version = FormatConstants.Version,
            KeyFile = key.Id,
            Repository = repository.ToString(),
            Kdf = Kdf,
            Salt = Convert.ToHexStringLower(salt),
            Nonce = Convert.ToHexStringLower(nonce),
            Wrapped = Convert.ToHexStringLower(wrapped),
        };
        return JsonSerializer.SerializeToUtf8Bytes(document, RepositoryJson.Default.KeyDocument);
    }

    /// <summary>The ring of the repository that the key object names. Codes repository-damaged, repository-too-new, wrong-key.</summary>
    public static KeyRing Unwrap(KeyFile key, byte[] json, string place)
    {
        string name = ObjectNames.Key(key.Id);
        KeyDocument document = RepositoryJson.Parse(json, RepositoryJson.Default.KeyDocument, name);
        if (document.Format == Format && document.Version > FormatConstants.Version)
        {
            throw Damage.TooNew(name, document.Version);
        }

        if (document.Format != Format
            || document.Version != FormatConstants.Version
            || document.Kdf != Kdf
            || document.KeyFile != key.Id
            || !ObjectId.TryParse(document.Repository, out ObjectId repository)
            || !HexText.TryParseBytes(document.Salt, SaltSize, out byte[] salt)
            || !HexText.TryParseBytes(document.Nonce, FormatConstants.NonceSize, out byte[] nonce)
            || !HexText.TryParseBytes(document.Wrapped, FormatConstants.KeySize + FormatConstants.TagSize, out byte[] wrapped))
        {
            throw Damage.Of(name, "a field is missing or malformed");
        }

        Span<byte> master = stackalloc byte[FormatConstants.KeySize];
        try
        {
            using AesGcm aes = Cipher(key, salt);
            aes.Decrypt(
                nonce,
                wrapped.AsSpan(0, FormatConstants.KeySize),
                wrapped.AsSpan(FormatConstants.KeySize),
                master,
                AssociatedData(key.Id, repository));
            return new KeyRing(master, repository);
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw Wrong(key, place, e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(master);
        }
    }

    public static RepositoryException Wrong(KeyFile key, string place, Exception? inner = null) =>
        new(
            RepositoryCodes.WrongKey,
            $"the key file {key.Path} (id {key.Id}) does not open the repository in {place}",
            "name the key file that was used at 'checkpointer init' with --key-file",
            inner)
        { ObjectName = ObjectNames.Key(key.Id) };

    private static AesGcm Cipher(KeyFile key, ReadOnlySpan<byte> salt)
    {
        Span<byte> wrapping = stackalloc byte[FormatConstants.KeySize];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Secret, wrapping, salt, "checkpointer/wrap/v1"u8);
        AesGcm aes = new(wrapping, FormatConstants.TagSize);
        CryptographicOperations.ZeroMemory(wrapping);
        return aes;
    }

    private static byte[] AssociatedData(string keyId, ObjectId repository) => Encoding.ASCII.GetBytes($"{Format}|1|{keyId}|{repository}");
}
