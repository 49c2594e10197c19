using Checkpointer.Repository;
using Checkpointer.Testing;

namespace Checkpointer.Bench;

/// <summary>Keeps small objects and forgets packs: shows what the stages before the store cost.</summary>
internal sealed class NullBackend(IBackend small) : Forwarding(small)
{
    public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken) =>
        name.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal) ? new Upload() : base.BeginPut(name, cancellationToken);

    private sealed class Upload : IObjectUpload
    {
        public void Append(ReadOnlySpan<byte> data)
        {
        }

        public bool Commit() => true;

        public void Dispose()
        {
        }
    }
}
