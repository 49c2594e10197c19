using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>
/// Lets root in by the unix socket, and everybody who reaches the TCP listener to health and metrics only.
/// The socket's mode keeps others away already; this is the second lock, for a socket that somebody has opened up.
/// </summary>
internal sealed class PeerMiddleware(RequestDelegate next, ILogger<PeerMiddleware> logger)
{
    private const uint Root = 0;

    /// <summary>Reads the credentials once for each connection.</summary>
    public static void Identify(ListenOptions options)
    {
        options.Use(nextConnection => connection =>
        {
            var socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket
                ?? throw new InvalidOperationException("The transport does not show its sockets.");
            connection.Features.Set(PeerIdentity.Of(socket));
            return nextConnection(connection);
        });
    }

    /// <summary>Who sent a request that came by the unix socket.</summary>
    public static PeerIdentity PeerOf(HttpContext context)
    {
        return context.Features.Get<PeerIdentity>() ?? throw new InvalidOperationException("The request did not come by the unix socket.");
    }

    public async Task InvokeAsync(HttpContext context)
    {
        var peer = context.Features.Get<PeerIdentity>();
        if (peer is null)
        {
            if (!NodeApi.IsPublic(context.Request.Path))
            {
                await Answers.ErrorAsync(context, NodeApi.NoSuchRoute()).ConfigureAwait(false);
                return;
            }
        }
        else if (peer.Uid != Root)
        {
            NodeLog.PeerRefused(logger, peer.Uid, peer.Pid);
            var error = new HostException("peer-refused", "Only root may use this service.", "Run the command as root.");
            await Answers.ErrorAsync(context, error).ConfigureAwait(false);
            return;
        }

        await next(context).ConfigureAwait(false);
    }
}
