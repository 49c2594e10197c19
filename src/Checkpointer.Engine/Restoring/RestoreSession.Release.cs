using System.Globalization;
using Checkpointer.Engine.Checkpointing;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Streaming;

namespace Checkpointer.Engine.Restoring;

/// <summary>The moment in which a tree is let go or refused, and what is heard of it then.</summary>
internal sealed partial class RestoreSession
{
    /// <summary>The last safe veto: everything that CRIU opened was served whole and authenticated.</summary>
    private async Task AllowAsync(
        ImageServer server, HookGate gate, int owner, CancellationTokenSource giveUp, CancellationToken cancellationToken)
    {
        using var call = await gate.WaitAsync(pid => TaskState.DescendsFrom(pid, owner), cancellationToken).ConfigureAwait(false);
        if (!server.AllServedWhole(out var missing))
        {
            call.Refuse();
            throw new OperationFailedException(
                "image-not-whole", $"CRIU restored the tree without reading {missing} to its end.", "Report this; the tree was not released.");
        }

        if (!TryDecide(Released))
        {
            call.Refuse();
            return;
        }

        Gpus?.Announce();

        // Before the word is given: a recovery must know that this tree may have run.
        Journal.Write(Journal.Entry with { Released = true });
        giveUp.CancelAfter(StartDeadline);
        _released = call.TryAllow();
    }

    /// <summary>Letting go and giving up exclude each other; who comes first decides.</summary>
    private bool TryDecide(int decision) => Interlocked.CompareExchange(ref _decision, decision, 0) == 0;

    /// <summary>Reads the owner's report: the root's pid in the owner's namespace, or null when CRIU failed.</summary>
    private int? AwaitRoot(TreeConnection connection, CancellationToken cancellationToken)
    {
        while (connection.ReadLine(cancellationToken) is { } line)
        {
            var parts = line.Split(' ');
            if (parts is ["root", var pid] && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var root))
            {
                return root;
            }

            if (parts is ["criu", not "0" and var code])
            {
                _criuExit = int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 1;
                return null;
            }

            if (parts is ["error", ..])
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>The first cause of a restore that did not come about.</summary>
    private Exception Cause(Task served, Task allowed)
    {
        if (_abort.Reason is { } reason)
        {
            return reason;
        }

        // What broke the stream on our side is the cause of CRIU's failure; that CRIU left is only its consequence.
        if (served.Exception?.InnerException is { } streamError
            and not CheckpointerException { Code: "criu-ended" or "stream-no-peer" or "cancelled" })
        {
            return streamError;
        }

        if (allowed.Exception?.InnerException is CheckpointerException veto)
        {
            return veto;
        }

        var errors = Path.Combine(TreeDirectory, "criu.err");
        var diagnosis = CriuLog.DiagnoseFile(new CriuResult(_criuExit, BoundedText.Read(errors), LogPath, TimeSpan.Zero));
        return new OperationFailedException(
            diagnosis.Code, $"CRIU could not restore snapshot {Reader.Info.Id}: {diagnosis.Cause}{CriuWords.Of(diagnosis)}", diagnosis.Remedy)
        {
            LogFile = LogPath,
        };
    }
}
