using System.Text;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>Sets extended attributes in trees.</summary>
internal static class Xattr
{
    /// <summary>user::rw-, user:1234:r--, group::r--, mask::r--, other::---, as the kernel keeps it.</summary>
    public static byte[] Acl { get; } = Convert.FromHexString(
        "02000000" + "0100" + "0600" + "FFFFFFFF" + "0200" + "0400" + "D2040000" + "0400" + "0400" + "FFFFFFFF" + "1000" + "0400" + "FFFFFFFF" + "2000" + "0000" + "FFFFFFFF");

    /// <summary>cap_net_bind_service, permitted and effective.</summary>
    public static byte[] Capability { get; } = Convert.FromHexString("0100000200040000000000000000000000000000");

    public static void Set(string directory, string name, string attribute, byte[] value)
    {
        using var handle = RootedOpen.OpenRoot(directory);
        ExtendedAttributes.Set(handle, Encoding.Latin1.GetBytes(name), Encoding.Latin1.GetBytes(attribute), value);
    }

    public static void Set(string directory, string name, string attribute, string value) => Set(directory, name, attribute, Encoding.Latin1.GetBytes(value));
}
