namespace Checkpointer.Repository;

/// <summary>
/// A place in a blob container, as a URL names it: the container's own address, and the prefix of all object names in it
/// (empty, or with a trailing slash). <paramref name="Sas"/> is a secret (the query of a shared access signature, without the question mark);
/// nothing that people see holds it.
/// </summary>
/// <param name="Kind">How the account is reached and what it may be asked for.</param>
/// <param name="Container">The container's address, without a query. For <see cref="AzureKind.ConnectionString"/> only the name counts.</param>
/// <param name="ContainerName">3 to 63 characters.</param>
/// <param name="Prefix">Empty, or segments that end with a slash.</param>
/// <param name="Sas">Null where there is none.</param>
internal sealed record AzurePlace(AzureKind Kind, Uri? Container, string ContainerName, string Prefix, string? Sas)
{
    /// <summary>The place, for people.</summary>
    public string Describe() => Kind switch
    {
        AzureKind.Emulator => $"azurite://{Container!.Authority}/{ContainerName}/{Prefix}".TrimEnd('/'),
        AzureKind.ConnectionString => $"azure:{ContainerName}/{Prefix}".TrimEnd('/'),
        _ => $"{Container!.GetLeftPart(UriPartial.Path)}/{Prefix}".TrimEnd('/'),
    };

    /// <summary>Never the secret, also where a record's own text would show it.</summary>
    public override string ToString() => Describe();
}

/// <summary>Where an account comes from.</summary>
internal enum AzureKind
{
    /// <summary>A storage account by its URL.</summary>
    Account,

    /// <summary>The emulator with its well-known development account.</summary>
    Emulator,

    /// <summary>Whatever account the connection string of the environment names.</summary>
    ConnectionString,
}
