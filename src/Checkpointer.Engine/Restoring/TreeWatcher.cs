using System.Globalization;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Streaming;

namespace Checkpointer.Engine.Restoring;

/// <summary>What can be asked of a restored tree while it runs and after it ended.</summary>
internal sealed class TreeWatcher
{
    private readonly TreeRegistry _trees;

    public TreeWatcher(TreeRegistry trees)
    {
        _trees = trees;
    }

    /// <summary>Waits for the root's end, however long that takes.</summary>
    public Task<TreeExit> WaitAsync(string operation, CancellationToken cancellationToken) => DedicatedThread.Run("wait for tree", () =>
    {
        var directory = Existing(operation);
        using (var connection = TreeConnection.TryConnect(directory, cancellationToken))
        {
            if (connection is not null)
            {
                connection.Send("wait");
                while (connection.ReadLine(cancellationToken) is { } line)
                {
                    if (TreeConnection.ParseExit(line) is { } exit)
                    {
                        return exit;
                    }
                }
            }
        }

        // The owner has ended; it leaves the tree's last words in a file.
        return TreeConnection.ParseExit(BoundedText.Read(Path.Combine(directory, "exit")).Trim())
            ?? throw new AttentionException(
                "tree-owner-gone",
                $"checkpointer-init of tree {operation} is gone and left no exit code.",
                "It was killed; look whether processes of the tree still run.")
            {
                Workload = WorkloadState.Unknown,
            };
    });

    public Task SignalAsync(string operation, int signal, CancellationToken cancellationToken) => DedicatedThread.Run("signal tree", () =>
    {
        var directory = Existing(operation);
        using var connection = TreeConnection.TryConnect(directory, cancellationToken)
            ?? throw Ended(operation);
        connection.Send(string.Create(CultureInfo.InvariantCulture, $"signal {signal}"));
        var answer = connection.ReadLine(cancellationToken) ?? throw Ended(operation);
        if (answer != "ok")
        {
            throw new OperationFailedException("tree-signal", $"Signal {signal} could not be sent: {answer}.");
        }
    });

    private static OperationFailedException Ended(string operation) => new("tree-ended", $"The tree of operation {operation} has ended.");

    private string Existing(string operation)
    {
        var directory = _trees.DirectoryOf(operation);
        return Directory.Exists(directory)
            ? directory
            : throw new UsageException("tree-not-found", $"There is no restored tree {operation} on this node.", "checkpointer operations shows them.");
    }
}
