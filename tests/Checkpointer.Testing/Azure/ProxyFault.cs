using System.Globalization;

namespace Checkpointer.Testing;

/// <summary>What happens to a request.</summary>
public enum FaultKind
{
    /// <summary>The connection is reset before the request is read.</summary>
    Drop,

    /// <summary>Nothing happens any more.</summary>
    Hang,

    /// <summary>It arrives late.</summary>
    Delay,

    /// <summary>The proxy answers itself; the store never hears of it.</summary>
    Answer,

    /// <summary>The store does it, and its answer is lost with the connection.</summary>
    LoseAnswer,

    /// <summary>The answer's body ends early, and the connection with it.</summary>
    Truncate,

    /// <summary>One bit of the request's body is flipped.</summary>
    FlipRequest,

    /// <summary>One bit of the answer's body is flipped.</summary>
    FlipAnswer,

    /// <summary>The answer's head is changed.</summary>
    Rewrite,
}

/// <summary>A fault of <see cref="FaultProxy"/>.</summary>
public sealed class ProxyFault
{
    private int _seen;
    private int _fired;

    public required FaultKind Kind { get; init; }

    /// <summary>GET, PUT, HEAD or DELETE; empty for all.</summary>
    public string Method { get; init; } = "";

    /// <summary>Part of the path and query; empty for all.</summary>
    public string Contains { get; init; } = "";

    /// <summary>Matching requests that pass first.</summary>
    public int After { get; init; }

    /// <summary>Matching requests that are struck, then no more.</summary>
    public int Times { get; init; } = 1;

    /// <summary>For <see cref="FaultKind.Delay"/>.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>For <see cref="FaultKind.Truncate"/>: bytes of the body that still come.</summary>
    public long Bytes { get; init; }

    /// <summary>For <see cref="FaultKind.Answer"/>.</summary>
    public int Status { get; init; } = 500;

    /// <summary>For <see cref="FaultKind.Answer"/>: the service's error code.</summary>
    public string Code { get; init; } = "InternalError";

    /// <summary>For <see cref="FaultKind.Answer"/>: the service's time.</summary>
    public DateTimeOffset Date { get; init; } = TimeProvider.System.GetUtcNow();

    /// <summary>For <see cref="FaultKind.Rewrite"/>.</summary>
    public Func<string, string> RewriteHead { get; init; } = static head => head;

    /// <summary>How often it struck.</summary>
    public int Fired => Volatile.Read(ref _fired);

    internal bool Strikes(string head)
    {
        int space = head.IndexOf(' ', StringComparison.Ordinal);
        int end = head.IndexOf(' ', space + 1);
        if ((Method.Length > 0 && head[..space] != Method) || !head[space..end].Contains(Contains, StringComparison.Ordinal))
        {
            return false;
        }

        int number = _seen++;
        if (number < After || number - After >= Times)
        {
            return false;
        }

        Interlocked.Increment(ref _fired);
        return true;
    }

    internal string Response() => string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 {Status} Fault\r\nContent-Length: 0\r\nx-ms-error-code: {Code}\r\nDate: {Date:r}\r\n\r\n");
}
