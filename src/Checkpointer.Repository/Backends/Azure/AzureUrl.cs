using System.Buffers;

namespace Checkpointer.Repository;

/// <summary>Reads the forms in which a blob container is named. Every mistake is a <see cref="UsageException"/> (code repository-url) that never repeats a secret.</summary>
internal static class AzureUrl
{
    /// <summary>Scheme of the emulator: <c>azurite:CONTAINER/PREFIX</c> or <c>azurite://HOST:PORT/CONTAINER/PREFIX</c>.</summary>
    public const string Emulator = "azurite";

    /// <summary>Scheme of a container in the account of the connection string: <c>azure:CONTAINER/PREFIX</c>.</summary>
    public const string FromConnectionString = "azure";

    /// <summary>Where the short form of the emulator's URL finds it, for example <c>http://127.0.0.1:10000</c>.</summary>
    public const string EmulatorVariable = "CHECKPOINTER_AZURITE";

    /// <summary>The emulator's account, as its documentation publishes it.</summary>
    public const string EmulatorAccount = "devstoreaccount1";

    private const string DefaultEmulator = "http://127.0.0.1:10000";
    private const int MinContainer = 3;
    private const int MaxContainer = 63;

    /// <summary>Characters: with the longest object name still below the service's limit of 1024.</summary>
    private const int MaxPrefix = 400;

    private static readonly SearchValues<char> ContainerCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private static readonly SearchValues<char> PrefixCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_");

    /// <summary>Folders of a repository: a prefix through one of them would lie inside another repository's objects.</summary>
    private static readonly string[] Reserved =
        [ObjectNames.PacksPrefix, ObjectNames.MapsPrefix, ObjectNames.SnapshotsPrefix, ObjectNames.KeysPrefix, ObjectNames.LocksPrefix, ObjectNames.MovesPrefix];

    public static bool IsScheme(string scheme) =>
        Is(scheme, Emulator) || Is(scheme, FromConnectionString) || Is(scheme, "https") || Is(scheme, "http");

    /// <param name="url">With one of the known schemes.</param>
    /// <param name="environment">Looks up a variable.</param>
    public static AzurePlace Parse(string url, Func<string, string?> environment)
    {
        string scheme = url[..url.IndexOf(':', StringComparison.Ordinal)];
        string rest = url[(scheme.Length + 1)..];
        int question = rest.IndexOf('?', StringComparison.Ordinal);
        string? sas = question < 0 || question == rest.Length - 1 ? null : rest[(question + 1)..];
        rest = question < 0 ? rest : rest[..question];
        if (rest.Contains('#', StringComparison.Ordinal) || rest.Contains('@', StringComparison.Ordinal))
        {
            throw Wrong("the URL holds '#' or '@', which no repository's URL does", "write https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX");
        }

        if (sas is not null && !sas.Contains("sig=", StringComparison.Ordinal))
        {
            throw Wrong("what follows the '?' is no shared access signature", "leave it out, or write the whole signature (it holds sig=)");
        }

        if (Is(scheme, Emulator))
        {
            return rest.StartsWith("//", StringComparison.Ordinal) ? EmulatorAt("http:" + rest, sas) : InEmulator(rest, sas, environment);
        }

        if (Is(scheme, FromConnectionString))
        {
            (string name, string folder) = Split(rest);
            return sas is null
                ? new AzurePlace(AzureKind.ConnectionString, null, name, folder, null)
                : throw Wrong("azure:CONTAINER takes its credentials from the connection string, not from a signature", "leave the '?' and what follows it out");
        }

        return InAccount(scheme, rest, sas);
    }

    private static AzurePlace InAccount(string scheme, string rest, string? sas)
    {
        if (Is(scheme, "http"))
        {
            throw Wrong("http: would send credentials in the clear", "write https:, or azurite: for the emulator");
        }

        if (!Uri.TryCreate("https:" + rest, UriKind.Absolute, out Uri? uri) || !uri.Host.Contains(".blob.", StringComparison.Ordinal))
        {
            throw Wrong(
                $"'https:{rest}' is not the address of a blob container",
                "write https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX");
        }

        (string container, string prefix) = Split(uri.AbsolutePath.TrimStart('/'));
        return new AzurePlace(AzureKind.Account, new Uri($"https://{uri.Authority}/{container}"), container, prefix, sas);
    }

    private static AzurePlace InEmulator(string rest, string? sas, Func<string, string?> environment)
    {
        string endpoint = environment(EmulatorVariable) is { Length: > 0 } set ? set : DefaultEmulator;
        return EmulatorAt($"{endpoint.TrimEnd('/')}/{rest.TrimStart('/')}", sas);
    }

    private static AzurePlace EmulatorAt(string address, string? sas)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme != Uri.UriSchemeHttp || uri.Query.Length > 0)
        {
            throw Wrong($"'{address}' is not the address of an emulator", "write azurite:CONTAINER/PREFIX or azurite://127.0.0.1:PORT/CONTAINER/PREFIX");
        }

        (string container, string prefix) = Split(uri.AbsolutePath.TrimStart('/'));
        return new AzurePlace(AzureKind.Emulator, new Uri($"http://{uri.Authority}/{EmulatorAccount}/{container}"), container, prefix, sas);
    }

    private static (string Container, string Prefix) Split(string path)
    {
        path = path.TrimEnd('/');
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        string container = slash < 0 ? path : path[..slash];
        string prefix = slash < 0 ? "" : path[(slash + 1)..];
        if (container.Length is < MinContainer or > MaxContainer || container.AsSpan().ContainsAnyExcept(ContainerCharacters))
        {
            throw Wrong($"'{container}' is not the name of a container", "a container's name has 3 to 63 characters of a-z, 0-9 and '-'");
        }

        if (prefix.Length == 0)
        {
            return (container, "");
        }

        foreach (string segment in prefix.Split('/'))
        {
            if (segment.Length == 0 || segment[0] == '.' || segment.AsSpan().ContainsAnyExcept(PrefixCharacters) || prefix.Length > MaxPrefix)
            {
                throw Wrong(
                    $"'{prefix}' is not a prefix that a repository may have",
                    "use folders of letters, digits, '.', '-' and '_' that do not start with a dot, at most 400 characters in all");
            }

            if (Reserved.Contains(segment + "/"))
            {
                throw Wrong(
                    $"a repository at '{prefix}' could lie inside another one, whose folder '{segment}' is",
                    $"choose a prefix without a folder named {string.Join(", ", Reserved.Select(r => r.TrimEnd('/')))}");
            }
        }

        return (container, prefix + "/");
    }

    private static UsageException Wrong(string message, string remedy) => new("repository-url", message, remedy);

    private static bool Is(string scheme, string known) => scheme.Equals(known, StringComparison.OrdinalIgnoreCase);
}
