namespace Checkpointer.Repository.Tests;

/// <summary>For tests that burn a core for seconds: they run when nothing else does, because other tests measure what is slower than what.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
