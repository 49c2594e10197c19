using System.Net;
using System.Net.Sockets;
using Azure;
using Azure.Identity;

namespace Checkpointer.Repository;

/// <summary>What an attempt's exception means: the only place that tells transient failures from permanent ones.</summary>
internal static class AzureFailure
{
    private const int Forbidden = (int)HttpStatusCode.Forbidden;
    private const int NotFound = (int)HttpStatusCode.NotFound;
    private const int InsufficientStorage = (int)HttpStatusCode.InsufficientStorage;

    /// <summary>True for what the network, the SDK and the service raise on purpose; anything else is a bug and passes.</summary>
    public static bool IsExpected(Exception e) =>
        e is RequestFailedException or AuthenticationFailedException or HttpRequestException or IOException or SocketException
            or OperationCanceledException or CorruptTransferException or AggregateException { InnerExceptions: [RequestFailedException, ..] };

    /// <summary>True where the same request may succeed a moment later. The caller has ruled out its own cancellation.</summary>
    public static bool IsTransient(Exception e) => e switch
    {
        CorruptTransferException => true,
        OperationCanceledException => true, // not the caller's: a stall, or a connection that was not made in time
        RequestFailedException { Status: 0 } failed => failed.InnerException is not { } inner || IsTransient(inner),
        RequestFailedException failed => IsTransient(failed.Status, failed.ErrorCode),
        // Credentials have retried on their own: they come from another service.
        AuthenticationFailedException => false,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => false,
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } http => !IsNoSuchHost(http),
        HttpRequestException or IOException or SocketException => true,
        AggregateException aggregate => aggregate.InnerExceptions.All(IsTransient),
        _ => false,
    };

    /// <summary>The refusal of a create-only write whose name is taken.</summary>
    public static bool IsTaken(RequestFailedException e) =>
        e.ErrorCode is "BlobAlreadyExists" or "UnauthorizedBlobOverwrite"
        || (e.Status is 412 or 409 && e.ErrorCode is "ConditionNotMet" or "TargetConditionNotMet");

    public static bool IsNoContainer(RequestFailedException e) =>
        e.ErrorCode is "ContainerNotFound" or "ContainerBeingDeleted" or "ContainerDisabled";

    /// <summary>The object is absent, in a container that is there.</summary>
    public static bool IsAbsent(RequestFailedException e) => e.Status == NotFound && !IsNoContainer(e);

    public static bool IsThrottle(Exception? e) => e is RequestFailedException { Status: 429 or 503 };

    public static bool IsFull(RequestFailedException e) =>
        e.Status == InsufficientStorage
        || (e.ErrorCode is { } code && e.Status is Forbidden or 409 or 413 or 400
            && (code.Contains("Quota", StringComparison.OrdinalIgnoreCase) || code.Contains("LimitExceeded", StringComparison.OrdinalIgnoreCase)
                || code.Contains("CapacityExceeded", StringComparison.OrdinalIgnoreCase)));

    /// <summary>Nobody listens there, or something in between says so.</summary>
    public static bool IsRefused(Exception? e) =>
        e is SocketException { SocketErrorCode: SocketError.ConnectionRefused } || (e?.InnerException is { } inner && IsRefused(inner));

    /// <summary>The store itself answered, though not as it should.</summary>
    public static bool IsAnswer(Exception e) => e is RequestFailedException { Status: > 0 } or CorruptTransferException;

    public static bool IsNoSuchHost(Exception? e) =>
        e is SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData } || (e?.InnerException is { } inner && IsNoSuchHost(inner));

    private static bool IsTransient(int status, string? code) => status switch
    {
        408 or 429 or 500 or 502 or 503 or 504 => true,
        // What arrived is not what was sent; and states that pass.
        400 => code is "Md5Mismatch" or "Crc64Mismatch" or "IncompleteBody" or "RequestBodyIncomplete",
        409 => code is "OperationInProgress" or "OperationTimedOut" or "AccountBeingCreated",
        _ => false,
    };
}

/// <summary>What arrived is not what the store sent: a wrong checksum, or fewer bytes.</summary>
internal sealed class CorruptTransferException(string message) : Exception(message);
