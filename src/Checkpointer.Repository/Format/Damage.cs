using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>The errors for what is wrong with stored objects; each names the object.</summary>
internal static class Damage
{
    private const string DamagedRemedy = "run 'checkpointer check' to see what is affected, and restore another snapshot";

    private const string MissingText = " is missing from the repository";

    public static RepositoryException Of(string name, string what, Exception? inner = null) =>
        new(RepositoryCodes.Damaged, $"{name} is damaged: {what}", DamagedRemedy, inner) { ObjectName = name };

    public static RepositoryException Missing(string name, Exception? inner = null) =>
        new(RepositoryCodes.Damaged, name + MissingText, DamagedRemedy, inner) { ObjectName = name };

    /// <summary>Whether an object is not there at all.</summary>
    public static bool IsMissing(RepositoryException error) => error.Message.EndsWith(MissingText, StringComparison.Ordinal);

    public static RepositoryException TooNew(string name, long version) =>
        new(
            RepositoryCodes.TooNew,
            string.Create(CultureInfo.InvariantCulture, $"{name} has format version {version}; this program reads up to {FormatConstants.Version}"),
            "use a newer checkpointer")
        { ObjectName = name };
}
