using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>The errors for what is wrong with stored objects; each names the object.</summary>
internal static class Damage
{
    private const string DamagedRemedy = "run 'checkpointer check' to see what is affected, and restore another snapshot";

    private const string UnopenedRemedy =
        "bring the object back from a copy or backup of the repository: without it no snapshot can be read, and none is damaged by this";

    private const string KeyRemedy =
        "open the repository with another of its keys, or bring the object back from a copy or backup of the repository; no snapshot is damaged";

    private const string MissingText = " is missing from the repository";

    public static RepositoryException Of(string name, string what, Exception? inner = null) =>
        new(RepositoryCodes.Damaged, $"{name} is damaged: {what}", RemedyOf(name), inner) { ObjectName = name };

    public static RepositoryException Missing(string name, Exception? inner = null) =>
        new(RepositoryCodes.Damaged, name + MissingText, RemedyOf(name), inner) { ObjectName = name };

    /// <summary>Whether an object is not there at all.</summary>
    public static bool IsMissing(RepositoryException error) => error.Message.EndsWith(MissingText, StringComparison.Ordinal);

    /// <summary>Where the repository cannot be opened no other verb can say more: only the object itself helps.</summary>
    private static string RemedyOf(string name) => name switch
    {
        ObjectNames.Repository => UnopenedRemedy,
        _ when name.StartsWith(ObjectNames.KeysPrefix, StringComparison.Ordinal) => KeyRemedy,
        _ => DamagedRemedy,
    };

    public static RepositoryException TooNew(string name, long version) =>
        new(
            RepositoryCodes.TooNew,
            string.Create(CultureInfo.InvariantCulture, $"{name} has format version {version}; this program reads up to {FormatConstants.Version}"),
            "use a newer checkpointer")
        { ObjectName = name };
}
