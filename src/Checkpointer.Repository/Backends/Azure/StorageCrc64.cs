using Azure.Storage;

namespace Checkpointer.Repository;

/// <summary>The checksum that the blob service verifies and tells: CRC-64 with its own polynomial.</summary>
internal static class StorageCrc64
{
    /// <summary>Bytes.</summary>
    public const int Size = 8;

    /// <summary>As headers have it: base 64.</summary>
    public static string Text(ReadOnlySpan<byte> data)
    {
        Span<byte> checksum = stackalloc byte[Size];
        Hash(data, checksum);
        return Convert.ToBase64String(checksum);
    }

    public static void Hash(ReadOnlySpan<byte> data, Span<byte> checksum)
    {
        StorageCrc64HashAlgorithm hash = StorageCrc64HashAlgorithm.Create();
        hash.Append(data);
        hash.GetCurrentHash(checksum);
    }
}
