using Checkpointer.Repository;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine;

/// <summary>Everything the engine logs, with its event ids (100-199). Ids are never reused.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(100, LogLevel.Information, "Operation {Operation}: checkpoint of pid {Pid} ({Command}), {Processes} processes, about {Bytes} bytes")]
    public static partial void CheckpointStarted(ILogger logger, string operation, int pid, string command, int processes, long bytes);

    [LoggerMessage(101, LogLevel.Information, "Operation {Operation}: snapshot {Snapshot} is durable, workload {State}, frozen {FrozenMs} ms")]
    public static partial void CheckpointDone(ILogger logger, string operation, string snapshot, string state, double frozenMs);

    [LoggerMessage(102, LogLevel.Warning, "Operation {Operation}: a connection from pid {Pid} to the hook's socket is not the expected hook and was closed")]
    public static partial void HookRefused(ILogger logger, string operation, int pid);

    [LoggerMessage(103, LogLevel.Warning, "Operation {Operation}: a connection to the hook's socket broke")]
    public static partial void HookBroken(ILogger logger, Exception error, string operation);

    [LoggerMessage(104, LogLevel.Warning, "Operation {Operation}: the checkpoint failed and is rolled back")]
    public static partial void CheckpointFailed(ILogger logger, Exception error, string operation);

    [LoggerMessage(105, LogLevel.Information, "Operation {Operation}: {Mended} left behind by CRIU: {What}")]
    public static partial void Mended(ILogger logger, string operation, string mended, string what);

    [LoggerMessage(106, LogLevel.Error, "Operation {Operation}: the workload could not be thawed: {Why}")]
    public static partial void NotThawed(ILogger logger, string operation, string why);

    [LoggerMessage(107, LogLevel.Warning, "Snapshot {Snapshot} is durable, but its workload runs on; marking it superseded failed")]
    public static partial void SupersedeFailed(ILogger logger, Exception error, string snapshot);

    [LoggerMessage(108, LogLevel.Debug, "Operation {Operation}: the snapshot was not sealed")]
    public static partial void SealEnded(ILogger logger, Exception error, string operation);

    [LoggerMessage(109, LogLevel.Information, "Operation {Operation}: what changed since {Parent} is stored (all of it searched: {Whole})")]
    public static partial void ParentChosen(ILogger logger, string operation, string parent, bool whole);

    [LoggerMessage(110, LogLevel.Information, "Operation {Operation}: restore of {Snapshot}")]
    public static partial void RestoreStarted(ILogger logger, string operation, string snapshot);

    [LoggerMessage(111, LogLevel.Information, "Operation {Operation}: {Snapshot} runs as pid {Pid}")]
    public static partial void RestoreDone(ILogger logger, string operation, string snapshot, int pid);

    [LoggerMessage(112, LogLevel.Warning, "Operation {Operation}: the restore failed")]
    public static partial void RestoreFailed(ILogger logger, Exception error, string operation);

    [LoggerMessage(120, LogLevel.Warning, "Recovered operation {Operation} ({Kind}, phase {Phase}): {Outcome}")]
    public static partial void Recovered(ILogger logger, string operation, string kind, string phase, string outcome);

    [LoggerMessage(121, LogLevel.Warning, "Operation {Operation}: {What} could not be cleaned up")]
    public static partial void CleanupFailed(ILogger logger, Exception error, string operation, string what);

    [LoggerMessage(123, LogLevel.Information, "CUDA process {Pid}: {What}")]
    public static partial void GpuResumed(ILogger logger, int pid, string what);

    [LoggerMessage(124, LogLevel.Warning, "{Trouble}")]
    public static partial void StoreTrouble(ILogger logger, StoreTrouble trouble);

    [LoggerMessage(125, LogLevel.Information, "Operation {Operation}: files cannot be stored before the freeze")]
    public static partial void NotEarly(ILogger logger, Exception error, string operation);

    [LoggerMessage(126, LogLevel.Warning, "Operation {Operation}: the journal could not be written; what is being undone or has ended goes on")]
    public static partial void JournalNotWritten(ILogger logger, Exception error, string operation);

    [LoggerMessage(122, LogLevel.Warning, "{Warning}")]
    public static partial void KeyWarning(ILogger logger, string warning);
}
