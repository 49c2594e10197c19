using System.Globalization;

namespace Checkpointer.Engine;

/// <summary>
/// The command in front of CRIU: a session of its own, so that a Ctrl-C at the terminal reaches the engine (which rolls back) and not
/// CRIU (which would die in the middle), and the tree's own namespaces where it has some.
/// </summary>
internal static class Detached
{
    public static IReadOnlyList<string> Prefix(string init, int? enterNamespacesOf) => enterNamespacesOf is { } owner
        ? [init, "detach", "--", init, "enter", "--pid", owner.ToString(CultureInfo.InvariantCulture), "--"]
        : [init, "detach", "--"];
}
