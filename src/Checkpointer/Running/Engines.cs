using Checkpointer.Engine;
using Checkpointer.Node.Cri;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Cli.Running;

/// <summary>Makes the engine: for this process, and for the node service.</summary>
internal static class Engines
{
    public static IEngine Create(EngineOptions options, ILoggerFactory loggers, TimeProvider time)
    {
        // Making the runtime connects nothing: a node without containers never notices it.
        return new CheckpointEngine(options, loggers, time, new CriRuntime(new CriOptions { Endpoint = options.RuntimeEndpoint, Given = options.RuntimeEndpointGiven }, time));
    }
}
