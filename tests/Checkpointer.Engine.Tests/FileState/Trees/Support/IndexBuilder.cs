using System.Text;
using Checkpointer.Engine.FileState.Trees;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>Indexes as somebody hostile would write them.</summary>
internal sealed class IndexBuilder
{
    private readonly List<byte> _bytes = [.. "CKPTREE\0"u8];

    public IndexBuilder(FileTreeKind kind = FileTreeKind.Directory)
    {
        _bytes.AddRange([1, (byte)kind]);
        Number(0);
    }

    public byte[] Bytes => [.. _bytes];

    public IndexBuilder Byte(int value)
    {
        _bytes.Add((byte)value);
        return this;
    }

    public IndexBuilder Number(ulong value)
    {
        Span<byte> buffer = stackalloc byte[Varint.MaxLength];
        _bytes.AddRange(buffer[..Varint.Write(value, buffer)]);
        return this;
    }

    public IndexBuilder Text(string latin)
    {
        Number((ulong)latin.Length);
        _bytes.AddRange(Encoding.Latin1.GetBytes(latin));
        return this;
    }

    /// <summary>Mode, root as the owner, no time.</summary>
    public IndexBuilder Status(int mode = 0x1ed) => Number((ulong)mode).Number(0).Number(0).Number(0).Number(0);

    public IndexBuilder Root() => Byte(1).Status();

    public IndexBuilder Directory(string name) => Byte(1).Text(name).Status();

    public IndexBuilder Regular(string name, ulong size) => Byte(2).Text(name).Status().Number(size);

    public IndexBuilder Link(string name, string to) => Byte(3).Text(name).Status().Text(to);

    public IndexBuilder End() => Byte(0);

    /// <summary>The root's end, and the number of entries.</summary>
    public byte[] Finish(ulong entries) => End().Number(entries).Bytes;
}
