using Checkpointer.Platform;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// Which process may connect to an image stream: the child that was started for it, or a descendant of that child (CRIU behind a wrapper).
/// The child's pid may become known only after the socket listens.
/// </summary>
public sealed class ProcessMatcher
{
    // Levels between the started child and CRIU: a namespace helper and checkpointer-init are two.
    private const int MaxLevels = 8;
    private readonly Task<int> _root;

    private ProcessMatcher(Task<int> root) => _root = root;

    /// <summary>The process itself or a descendant.</summary>
    public static ProcessMatcher SelfOrDescendantOf(int pid) => new(Task.FromResult(pid));

    /// <summary>The same for a process that is not started yet. When the task fails, so does the stream.</summary>
    public static ProcessMatcher SelfOrDescendantOf(Task<int> pid) => new(pid);

    /// <summary>
    /// Waits until the pid is known, TimeoutException after the patience. Only peers with our own user id match; their pid is as the kernel
    /// recorded it at connect.
    /// </summary>
    internal async Task<bool> MatchesAsync(PeerCredentials peer, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (peer.Uid != Host.EffectiveUid || peer.Pid <= 0)
        {
            return false;
        }
        int root = await _root.WaitAsync(patience, cancellationToken).ConfigureAwait(false);
        int pid = peer.Pid;
        for (int level = 0; level < MaxLevels && pid > 1; level++)
        {
            if (pid == root)
            {
                return true;
            }
            pid = ParentOf(pid);
        }
        return pid == root;
    }

    // 0: gone, or no parent in our pid namespace.
    private static int ParentOf(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // it died between connect and now
        }
        // "pid (comm) state ppid ...": comm may hold anything, ')' too, so the last one counts.
        int end = stat.LastIndexOf(')');
        string[] fields = end < 0 ? [] : stat[(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 1 && int.TryParse(fields[1], out int parent) ? parent : 0;
    }
}
