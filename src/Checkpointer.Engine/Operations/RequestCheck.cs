using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine;

/// <summary>Refuses requests whose numbers no timer and no helper takes, before anything is touched.</summary>
internal static class RequestCheck
{
    /// <summary>The hook waits a day at most (native-shim/hook/request.c), and CRIU gets time to undo within it. Seconds.</summary>
    private const double MaxFrozenSeconds = (24 * 60 * 60) - 60;

    /// <summary>Timers take a little more than 49 days. Seconds.</summary>
    private const double MaxTimeoutSeconds = 49.0 * 24 * 60 * 60;

    /// <exception cref="UsageException">A number or the operation's id is out of its range.</exception>
    public static void Check(string operation, CheckpointRequest request)
    {
        Id(operation);
        Timeout(request.TimeoutSeconds);
        bool[] named = [request.Pid is not null, !string.IsNullOrEmpty(request.Container), !string.IsNullOrEmpty(request.Pod)];
        if (named.Count(static n => n) != 1)
        {
            throw new UsageException(
                "workload-missing", "Exactly one workload must be named: a process, a container or a pod.", "Give --pid N, --container NAME or --pod NAME.");
        }

        if (request.Pid is null)
        {
            NothingIncluded(request.Include);
        }

        if (!(request.MaxFrozenSeconds > 0 && request.MaxFrozenSeconds <= MaxFrozenSeconds))
        {
            throw new UsageException("max-frozen-range", "--max-frozen must be more than nothing and less than a day.", "The default is 5m.");
        }

        CriuOptionOverrides.Apply(new TreeOptions(), request.CriuOptions);
    }

    /// <exception cref="UsageException">Files are to be included with a container.</exception>
    public static void NothingIncluded(IReadOnlyCollection<string> include)
    {
        if (include.Count > 0)
        {
            throw new UsageException("include-container", "--include is for processes: of a container everything travels that is its own.", "Leave it out.");
        }
    }

    /// <inheritdoc cref="Check(string, CheckpointRequest)"/>
    public static void Check(string operation, RestoreRequest request)
    {
        Id(operation);
        Timeout(request.TimeoutSeconds);
        if (request.Into is null && !request.Create)
        {
            return;
        }

        if (request.Into is not null && request.Create)
        {
            throw new UsageException("into-and-create", "Both a container and its making are asked for.", "Give either --into CONTAINER or --create.");
        }

        if (request.Cgroup is not null || request.Stdin is not null || request.Stdout is not null || request.Stderr is not null)
        {
            throw new UsageException(
                "into-streams", "A tree in a container has the container's cgroup and streams.", "Leave out --cgroup, --stdin, --stdout and --stderr.");
        }
    }

    /// <summary>The id becomes the name of files and directories, and an argument of the helpers.</summary>
    public static bool IsId(string operation) =>
        operation.Length is > 0 and <= 64 && operation[0] != '-' && operation.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-');

    private static void Id(string operation)
    {
        if (!IsId(operation))
        {
            throw new UsageException("operation-id", $"\"{operation}\" is no operation id.", "Use letters, digits and dashes.");
        }
    }

    private static void Timeout(double? seconds)
    {
        // Written so that NaN fails too.
        if (seconds is { } given && !(given > 0 && given <= MaxTimeoutSeconds))
        {
            throw new UsageException("timeout-range", "--timeout must be more than nothing and at most 49 days.", "Leave it out for no limit.");
        }
    }
}
