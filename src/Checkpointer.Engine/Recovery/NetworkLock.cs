namespace Checkpointer.Engine.Recovery;

/// <summary>The firewall table with which CRIU locks a tree's connections: <c>inet CRIU-ID</c>, where ID is that run of CRIU.</summary>
internal static class NetworkLock
{
    private const string Prefix = "CRIU-";

    /// <summary>CRIU cuts "inet CRIU-ID" to the 31 characters of its buffer (criu/netfilter.c, net.c): 21 of the id are left.</summary>
    private const int IdLength = 21;

    /// <summary>How CRIU's log begins, at every log level that we use.</summary>
    private const string IdLine = "CRIU run id = ";

    /// <summary>The name of the table, as CRIU's log tells; null when CRIU did not come as far as to write one.</summary>
    public static string? TableOf(string logPath)
    {
        var text = BoundedText.Read(logPath);
        var start = text.IndexOf(IdLine, StringComparison.Ordinal);
        if (start < 0)
        {
            return null;
        }

        var id = text.AsSpan(start + IdLine.Length);
        id = id[..Math.Min(IdLength, id.Length)];
        return id.Length == IdLength && !id.ContainsAnyExcept("0123456789abcdefABCDEF-") ? string.Concat(Prefix, id) : null;
    }
}
