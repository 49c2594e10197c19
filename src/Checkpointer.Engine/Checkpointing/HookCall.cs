using Checkpointer.Platform;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>CRIU waits for this answer. Disposing it unanswered is a refusal: the hook sees the end of the stream and fails.</summary>
internal sealed class HookCall : IDisposable
{
    private readonly UnixConnection _connection;
    private int _answered;

    public HookCall(UnixConnection connection, int initPid)
    {
        _connection = connection;
        InitPid = initPid;
    }

    /// <summary>The tree's root as CRIU numbers it; zero where CRIU did not say.</summary>
    public int InitPid { get; }

    /// <summary>The hook is there and waits. False when it is gone: CRIU rolls back then, or is gone itself.</summary>
    public bool IsWaiting => !Fds.WaitReadable(_connection.Handle, TimeSpan.Zero, CancellationToken.None);

    /// <summary>Lets CRIU go on. False when it was refused before, or the hook is gone, so that CRIU rolls back whatever we decided.</summary>
    public bool TryAllow() => TryAnswer("go\n"u8);

    /// <summary>Makes CRIU roll back, unless it was allowed before. Any thread: the first answer counts.</summary>
    public void Refuse() => TryAnswer("stop\n"u8);

    public void Dispose() => _connection.Dispose();

    private bool TryAnswer(ReadOnlySpan<byte> answer)
    {
        if (Interlocked.Exchange(ref _answered, 1) != 0)
        {
            return false;
        }

        try
        {
            _connection.Write(answer);
            return true;
        }
        catch (Exception e) when (e is PlatformException or TimeoutException)
        {
            // The hook died or CRIU killed it; CRIU itself tells what follows.
            return false;
        }
    }
}
