using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Checkpointer.Repository;

/// <summary>repository.json: version, id and chunking parameters, authenticated by the master key.</summary>
internal static class RepositoryConfig
{
    internal const string Format = "checkpointer-repository";

    public static byte[] Make(KeyRing keys)
    {
        ConfigDocument document = new()
        {
            Format = Format,
            Version = FormatConstants.Version,
            Id = keys.Repository.ToString(),
            Chunking = new ChunkingDocument
            {
                Algorithm = FormatConstants.ChunkingAlgorithm,
                PageSize = FormatConstants.PageSize,
                MinPages = FormatConstants.MinPages,
                MaxPages = FormatConstants.MaxPages,
                CutBits = FormatConstants.CutBits,
            },
            Hash = FormatConstants.ChunkHashAlgorithm,
        };
        document = document with { Mac = Convert.ToHexStringLower(keys.ConfigMac(AuthenticatedText(document))) };
        return JsonSerializer.SerializeToUtf8Bytes(document, RepositoryJson.Default.ConfigDocument);
    }

    /// <summary>First of all: is this a repository that this program reads?</summary>
    public static ConfigDocument Parse(byte[] json)
    {
        ConfigDocument document = RepositoryJson.Parse(json, RepositoryJson.Default.ConfigDocument, ObjectNames.Repository);
        if (document.Format != Format)
        {
            throw Damage.Of(ObjectNames.Repository, "it is not a repository of checkpointer");
        }

        return document.Version > FormatConstants.Version ? throw Damage.TooNew(ObjectNames.Repository, document.Version) : document;
    }

    /// <summary>Then, with the key: is it authentic, and are its parameters those of version 1?</summary>
    public static void Verify(ConfigDocument document, KeyRing keys)
    {
        if (!HexText.TryParseBytes(document.Mac, HMACSHA256.HashSizeInBytes, out byte[] mac)
            || !CryptographicOperations.FixedTimeEquals(mac, keys.ConfigMac(AuthenticatedText(document))))
        {
            throw Damage.Of(ObjectNames.Repository, "it was changed");
        }

        // Version 1 fixes them; a reader does not depend on them, but a writer with others would match no parent.
        if (document.Chunking is not
            {
                Algorithm: FormatConstants.ChunkingAlgorithm,
                PageSize: FormatConstants.PageSize,
                MinPages: FormatConstants.MinPages,
                MaxPages: FormatConstants.MaxPages,
                CutBits: FormatConstants.CutBits,
            }
            || document.Hash != FormatConstants.ChunkHashAlgorithm)
        {
            throw Damage.Of(ObjectNames.Repository, "its chunking parameters are not those of its version");
        }
    }

    private static byte[] AuthenticatedText(ConfigDocument d) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"{Format}\n{d.Version}\n{d.Id}\n{d.Chunking?.Algorithm}\n{d.Chunking?.PageSize}\n{d.Chunking?.MinPages}\n{d.Chunking?.MaxPages}\n{d.Chunking?.CutBits}\n{d.Hash}\n"));
}
