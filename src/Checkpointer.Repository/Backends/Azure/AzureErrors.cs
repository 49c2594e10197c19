using System.Globalization;
using System.Web;
using Azure;
using Azure.Identity;

namespace Checkpointer.Repository;

/// <summary>Turns a failed request into the one error that people see: what happened where, and how to mend it. No message holds a URL's query or a header.</summary>
internal sealed class AzureErrors(string place, string container, AzureClients clients, TimeProvider time)
{
    /// <summary>The service refuses requests whose date is further from its own.</summary>
    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(15);

    public const string NoAnswer = "no answer";

    /// <param name="e">The last failure.</param>
    /// <param name="name">The object concerned; null for the store as a whole.</param>
    /// <param name="tried">For how long the request was repeated.</param>
    /// <param name="attempts">How often.</param>
    public RepositoryException From(Exception e, string? name, TimeSpan tried, int attempts)
    {
        string at = name is null ? place : $"{name} in {place}";
        (string code, string message, string? remedy) = Explain(e, at);
        if (attempts > 1)
        {
            message += string.Create(CultureInfo.InvariantCulture, $" ({attempts} attempts in {Durations.Format(tried)})");
        }

        return new RepositoryException(code, $"{message}; no committed snapshot is affected", remedy, Harmless(e)) { ObjectName = name };
    }

    /// <summary>A failure in some words, without where and how to mend it.</summary>
    public static string Reason(Exception e) => e switch
    {
        AggregateException { InnerExceptions: [var first, ..] } => Reason(first),
        RequestFailedException { Status: > 0 } failed => "it says " + Said(failed),
        OperationCanceledException => NoAnswer,
        CorruptTransferException => e.Message,
        _ => FirstLine(e.GetBaseException()),
    };

    private (string Code, string Message, string? Remedy) Explain(Exception e, string at) => e switch
    {
        AggregateException { InnerExceptions: [var first, ..] } => Explain(first, at),
        AuthenticationFailedException => (
            RepositoryCodes.StoreCredentials,
            $"no credentials for {place}: {FirstLine(e)}",
            $"give this node a workload or managed identity with the role 'Storage Blob Data Contributor', or set {AzureClients.SasVariable} or {AzureClients.ConnectionStringVariable}"),
        RequestFailedException { Status: > 0 } failed => Explain(failed, at),
        _ when AzureFailure.IsNoSuchHost(e) => (
            RepositoryCodes.StoreUnreachable,
            $"the storage account of {place} was not found: its name does not resolve",
            "check the account's name in the URL, and that this node's DNS and network reach it"),
        OperationCanceledException => (RepositoryCodes.StoreUnreachable, $"the store stopped answering at {at}", "check the network between this node and the storage account"),
        CorruptTransferException => (RepositoryCodes.StoreFailed, $"what the store sent for {at} did not arrive intact: {e.Message}", "check the network between this node and the storage account"),
        _ when AzureFailure.IsRefused(e) => (
            RepositoryCodes.StoreUnreachable, $"nothing listens at {at}: {FirstLine(e.GetBaseException())}", "check the URL, and that the store (or the proxy before it) runs"),
        _ => (RepositoryCodes.StoreUnreachable, $"the store cannot be reached at {at}: {FirstLine(e.GetBaseException())}", "check the network between this node and the storage account, then try again"),
    };

    private (string Code, string Message, string? Remedy) Explain(RequestFailedException e, string at)
    {
        string said = Said(e);
        TimeSpan? skew = Skew(e);
        if (e.Status is 401 or 403 && skew is { } off && off.Duration() > MaxSkew)
        {
            return (
                RepositoryCodes.ClockDrift,
                $"{place} refused: this node's clock is {Durations.Format(off.Duration())} {(off > TimeSpan.Zero ? "ahead of" : "behind")} the store's",
                "set this node's clock (NTP), then try again");
        }

        if (e.Status is 401 or 403 && SignatureDates(e) is { } dates)
        {
            return (RepositoryCodes.CredentialsExpired, $"the shared access signature for {place} {dates}", $"make a new signature and set {AzureClients.SasVariable} (or the URL in the configuration)");
        }

        if (AzureFailure.IsNoContainer(e))
        {
            return (RepositoryCodes.ContainerNotFound, $"there is no container '{container}' at {place}", "check the URL; 'checkpointer init' makes the container, or: az storage container create");
        }

        if (AzureFailure.IsFull(e))
        {
            return (RepositoryCodes.StoreFull, $"the store is full: {at} could not be written ({said})", "free space (delete snapshots and prune) or raise the account's limit, then try again");
        }

        return e.Status switch
        {
            401 => Unauthenticated(said),
            403 when e.ErrorCode is "AuthenticationFailed" or "InvalidAuthenticationInfo" or "NoAuthenticationInformation" => Unauthenticated(said),
            403 => (
                RepositoryCodes.StoreDenied,
                $"permission denied at {at}: {said} (with {clients.Credential})",
                "check that the credentials are the right ones; give the identity the role 'Storage Blob Data Contributor', or the signature the permissions racwdl, and let the account's firewall admit this node"),
            404 => (RepositoryCodes.ObjectMissing, $"{at} does not exist", null),
            429 or 503 => (RepositoryCodes.StoreBusy, $"the store is too busy at {at}: {said}", "try again later, run fewer checkpoints at once, or ask for higher limits of the storage account"),
            _ => (RepositoryCodes.StoreFailed, $"the store failed at {at}: {said}", "check the state of the storage account, then try again"),
        };
    }

    private (string Code, string Message, string? Remedy) Unauthenticated(string said) => (
        RepositoryCodes.StoreCredentials,
        $"{place} does not accept the credentials ({clients.Credential}): {said}",
        $"check the credentials: {AzureClients.SasVariable}, {AzureClients.ConnectionStringVariable}, or this node's workload or managed identity");

    /// <summary>How far this node's clock is ahead of the store's.</summary>
    private TimeSpan? Skew(RequestFailedException e) =>
        e.GetRawResponse()?.Headers.Date is { } date ? time.GetUtcNow() - date : null;

    /// <summary>What the signature's own dates say against the store's time; null where they explain nothing.</summary>
    private string? SignatureDates(RequestFailedException e)
    {
        if (clients.Sas is null)
        {
            return null;
        }

        var fields = HttpUtility.ParseQueryString(clients.Sas);
        DateTimeOffset now = e.GetRawResponse()?.Headers.Date ?? time.GetUtcNow();
        if (Date(fields["se"]) is { } end && end < now)
        {
            return string.Create(CultureInfo.InvariantCulture, $"expired at {end:yyyy-MM-dd HH:mm}Z");
        }

        return Date(fields["st"]) is { } start && start > now
            ? string.Create(CultureInfo.InvariantCulture, $"is not valid before {start:yyyy-MM-dd HH:mm}Z")
            : null;
    }

    private static DateTimeOffset? Date(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset date) ? date : null;

    /// <summary>Status, code and first sentence; the SDK's whole message holds headers.</summary>
    private static string Said(RequestFailedException e) =>
        string.Create(CultureInfo.InvariantCulture, $"{e.Status} {e.ErrorCode ?? e.GetRawResponse()?.ReasonPhrase ?? "without a reason"}");

    private static string FirstLine(Exception e) => e.Message.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var end ? e.Message[..end] : e.Message;

    /// <summary>The SDK's exceptions hold requests and headers in their text: only their kind goes on.</summary>
    private static InvalidOperationException Harmless(Exception e) =>
        new($"{e.GetType().Name}: {(e is RequestFailedException failed ? Said(failed) : FirstLine(e))}");
}
