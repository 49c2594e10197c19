namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Which extended attributes travel. Those that the host's own policy gives to files (SELinux, IMA and EVM, Smack, AppArmor) do not: the
/// labels of one container are wrong, or forbidden, in another; the target gives its own.
/// </summary>
internal static class AttributeRules
{
    /// <summary>Default ACLs pass from a directory to what is made in it.</summary>
    public static ReadOnlySpan<byte> DefaultAcl => "system.posix_acl_default"u8;

    public static bool Travels(ReadOnlySpan<byte> name) =>
        !name.Contains((byte)0)
        && (name.StartsWith("user."u8)
            || name.StartsWith("trusted."u8)
            || name.SequenceEqual("security.capability"u8)
            || name.SequenceEqual("system.posix_acl_access"u8)
            || name.SequenceEqual(DefaultAcl));
}
