using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Checkpointer.Repository;

/// <summary>The master key of an opened repository, and every key that is derived from it. Thread-safe.</summary>
internal sealed class KeyRing : IDisposable
{
    private readonly byte[] _master = GC.AllocateUninitializedArray<byte>(FormatConstants.KeySize, pinned: true);
    private readonly byte[] _salt = new byte[ObjectId.Size];
    private bool _disposed;

    public KeyRing(ReadOnlySpan<byte> master, ObjectId repository)
    {
        master.CopyTo(_master);
        Repository = repository;
        repository.Write(_salt);
        Span<byte> seed = stackalloc byte[8];
        Derive("checkpointer/chunk-hash/v1"u8, seed);
        ChunkHashSeed = BinaryPrimitives.ReadInt64LittleEndian(seed);
    }

    public ObjectId Repository { get; }

    /// <summary>Secret seed of the chunk hash.</summary>
    public long ChunkHashSeed { get; }

    /// <summary>HMAC-SHA256 by the key of repository.json.</summary>
    public byte[] ConfigMac(ReadOnlySpan<byte> text)
    {
        Span<byte> key = stackalloc byte[FormatConstants.KeySize];
        Derive("checkpointer/config/v1"u8, key);
        return HMACSHA256.HashData(key, text);
    }

    /// <summary>HMAC-SHA256 over what a key object says about itself, by a key that only holders of the master key have.</summary>
    public byte[] KeyInfoMac(ReadOnlySpan<byte> text)
    {
        Span<byte> key = stackalloc byte[FormatConstants.KeySize];
        Derive("checkpointer/key-info/v1"u8, key);
        return HMACSHA256.HashData(key, text);
    }

    /// <summary>For wrapping; the caller erases the copy.</summary>
    public void CopyMaster(Span<byte> destination)
    {
        lock (_salt)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _master.CopyTo(destination);
        }
    }

    /// <summary>Whether both open the same repository.</summary>
    public bool HasSameMaster(KeyRing other) => Repository == other.Repository && CryptographicOperations.FixedTimeEquals(_master, other._master);

    /// <summary>The cipher of one object whose key depends on its id alone.</summary>
    public FrameCipher ForObject(ObjectKind kind, ObjectId id)
    {
        Span<byte> info = stackalloc byte[64];
        ReadOnlySpan<byte> label = kind switch
        {
            ObjectKind.Pack => "checkpointer/pack/v1"u8,
            ObjectKind.Map => "checkpointer/map/v1"u8,
            ObjectKind.Intent => "checkpointer/intent/v1"u8,
            ObjectKind.LeaseNote => "checkpointer/lease/v1"u8,
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        label.CopyTo(info);
        id.Write(info[label.Length..]);
        return Cipher(kind, id, info[..(label.Length + ObjectId.Size)], default);
    }

    /// <summary>The cipher of the move of one pack; <paramref name="salt"/> is random for each, since two may be sealed for one pack.</summary>
    public FrameCipher ForMove(ObjectId pack, ObjectId salt)
    {
        Span<byte> info = stackalloc byte[64];
        ReadOnlySpan<byte> label = "checkpointer/move/v1"u8;
        Span<byte> name = stackalloc byte[ObjectId.Size];
        pack.Write(name);
        label.CopyTo(info);
        name.CopyTo(info[label.Length..]);
        salt.Write(info[(label.Length + ObjectId.Size)..]);
        return Cipher(ObjectKind.Move, salt, info[..(label.Length + (2 * ObjectId.Size))], name);
    }

    /// <summary>The cipher of one manifest or marker; <paramref name="salt"/> is random for each.</summary>
    public FrameCipher ForSnapshot(ObjectKind kind, SnapshotId snapshot, ObjectId salt)
    {
        Span<byte> name = stackalloc byte[ObjectId.Size + 8];
        snapshot.Lineage.Write(name);
        BinaryPrimitives.WriteInt64LittleEndian(name[ObjectId.Size..], snapshot.Generation);
        Span<byte> info = stackalloc byte[80];
        ReadOnlySpan<byte> label = kind == ObjectKind.Manifest ? "checkpointer/manifest/v1"u8 : "checkpointer/superseded/v1"u8;
        label.CopyTo(info);
        name.CopyTo(info[label.Length..]);
        salt.Write(info[(label.Length + name.Length)..]);
        return Cipher(kind, salt, info[..(label.Length + name.Length + ObjectId.Size)], name);
    }

    public void Dispose()
    {
        lock (_salt)
        {
            _disposed = true;
            CryptographicOperations.ZeroMemory(_master);
        }
    }

    private FrameCipher Cipher(ObjectKind kind, ObjectId id, ReadOnlySpan<byte> info, ReadOnlySpan<byte> more)
    {
        Span<byte> key = stackalloc byte[FormatConstants.KeySize];
        Derive(info, key);
        FrameCipher cipher = new(key, Repository, kind, id, more);
        CryptographicOperations.ZeroMemory(key);
        return cipher;
    }

    private void Derive(ReadOnlySpan<byte> info, Span<byte> output)
    {
        // Locked: a key derived from a master that is being erased would seal data under a key that anyone can guess.
        lock (_salt)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            HKDF.DeriveKey(HashAlgorithmName.SHA256, _master, output, _salt, info);
        }
    }
}
