using Checkpointer.Engine;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Cli.Running;

/// <summary>Makes the engine: for this process, and for the node service.</summary>
internal static class Engines
{
    public static IEngine Create(EngineOptions options, ILoggerFactory loggers, TimeProvider time)
    {
        return new CheckpointEngine(options, loggers, time);
    }
}
