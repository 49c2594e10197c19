using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>Where captured files go: a <see cref="SnapshotWriter"/>, whose rules hold here.</summary>
internal interface ICaptureSink
{
    /// <summary>Faults when the sink cannot take any more.</summary>
    Task Failure { get; }

    ICaptureSinkFile OpenFile(string name, FileKind kind);
}

/// <summary>One file of a sink; see <see cref="FileWriter"/>.</summary>
internal interface ICaptureSinkFile
{
    void Append(Block block);

    void Write(ReadOnlySpan<byte> data);

    void Complete();
}

/// <summary>A snapshot being written, as a sink.</summary>
/// <param name="writer">Of the snapshot.</param>
/// <param name="prefix">Goes before every name; several trees are told apart by it.</param>
internal sealed class SnapshotSink(SnapshotWriter writer, string prefix = "") : ICaptureSink
{
    public Task Failure => writer.Failure;

    public ICaptureSinkFile OpenFile(string name, FileKind kind) => new SnapshotSinkFile(writer.OpenFile(prefix + name, kind));

    private sealed class SnapshotSinkFile(FileWriter file) : ICaptureSinkFile
    {
        public void Append(Block block) => file.Append(block);

        public void Write(ReadOnlySpan<byte> data) => file.Write(data);

        public void Complete() => file.Complete();
    }
}
