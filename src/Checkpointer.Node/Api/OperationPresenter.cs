using System.Text.Json;

namespace Checkpointer.Node;

/// <summary>
/// Shows an operation to a caller: the pid of a restored tree is the one in the caller's pid namespace, 0 where it is not visible
/// there.
/// </summary>
internal sealed class OperationPresenter(CallerPids pids)
{
    public OperationResource Show(OperationResource operation, PeerIdentity caller)
    {
        if (operation.Kind != OperationKinds.Restore || operation.Result is not { } json
            || json.Deserialize(NodeJson.Default.RestoreResult) is not { } result)
        {
            return operation;
        }

        var pid = pids.ToCallers(caller.Pid, result.Pid);
        if (pid == result.Pid)
        {
            return operation;
        }

        var members = result.Members?.Select(m => m with { Pid = pids.ToCallers(caller.Pid, m.Pid) }).ToList();
        return operation with { Result = JsonSerializer.SerializeToElement(result with { Pid = pid, Members = members }, NodeJson.Default.RestoreResult) };
    }
}
