namespace Checkpointer;

/// <summary>
/// This host lacks what is needed: privileges, CRIU, a kernel feature, memory. Nothing was touched unless
/// <see cref="CheckpointerException.Workload"/> says otherwise; another host may do.
/// </summary>
public sealed class HostException(string code, string message, string? remedy = null, Exception? inner = null)
    : CheckpointerException(code, message, remedy, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Environment;
}
