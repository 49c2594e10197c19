using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

public sealed class MemoryBackendTests : BackendConformance
{
    protected override IBackend Backend { get; } = new MemoryBackend();
}

public sealed class FaultBackendTests : BackendConformance
{
    protected override IBackend Backend { get; } = new FaultBackend(new MemoryBackend());
}
