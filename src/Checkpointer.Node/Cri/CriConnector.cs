using Checkpointer.Node.Cri.Protocol;
using Checkpointer.Platform;

namespace Checkpointer.Node.Cri;

/// <summary>Finds the runtime: the one that was named, else the first usual socket behind which CRI version 1 is served.</summary>
internal sealed class CriConnector(CriOptions options, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private CriConnection? _connection;

    /// <summary>A connection that has answered once. It is kept: later calls tell themselves when the runtime has gone.</summary>
    public async Task<CriConnection> GetAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _connection ??= options.Endpoint is { } endpoint
                ? await OpenNamedAsync(CriEndpoint.PathOf(endpoint), cancellationToken).ConfigureAwait(false)
                : await LookAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    public static Task<VersionResponse> VersionAsync(CriConnection connection, CancellationToken cancellationToken)
    {
        return connection.CallAsync(
            "telling its version", o => connection.Runtime.VersionAsync(new VersionRequest(), o), CriConnection.Hello, cancellationToken);
    }

    public void Dispose()
    {
        _connection?.Dispose();
        _gate.Dispose();
    }

    private async Task<CriConnection> OpenNamedAsync(string socket, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(socket, cancellationToken).ConfigureAwait(false);
        }
        catch (HostException e) when (options.Given && e.Code is CriErrors.Unreachable or CriErrors.NoCri or CriErrors.Timeout)
        {
            throw CriErrors.WrongEndpoint(e);
        }
    }

    private async Task<CriConnection> OpenAsync(string socket, CancellationToken cancellationToken)
    {
        switch (FileStatus.Of(socket))
        {
            case null:
                throw CriErrors.NoSocket(socket);
            case { Type: not FileType.Socket }:
                throw CriErrors.NotASocket(socket);
        }

        var connection = new CriConnection(socket, time);
        try
        {
            await VersionAsync(connection, cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private async Task<CriConnection> LookAsync(CancellationToken cancellationToken)
    {
        CheckpointerException? first = null;
        foreach (var socket in CriEndpoint.Usual.Where(File.Exists))
        {
            try
            {
                return await OpenAsync(socket, cancellationToken).ConfigureAwait(false);
            }
            catch (CheckpointerException e)
            {
                // Another one may serve; if none does, the likeliest one's error says most.
                first ??= e;
            }
        }

        throw first ?? CriErrors.NoneFound(CriEndpoint.Usual);
    }
}
