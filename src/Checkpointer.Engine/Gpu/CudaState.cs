namespace Checkpointer.Engine.Gpu;

/// <summary>The CUDA driver's own states of a process. Newer drivers have more; what is not named here is not acted upon.</summary>
internal enum CudaState
{
    Running = 0,
    Locked = 1,
    Checkpointed = 2,
    Failed = 3,
}
