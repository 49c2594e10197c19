namespace Checkpointer.Engine.Tests.Support;

/// <summary>
/// For tests that run when nothing else does: they measure what the whole process holds, or execute a file that they have just written (a process that another
/// test starts meanwhile has it open for writing until it has executed something else, and the file is busy).
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
