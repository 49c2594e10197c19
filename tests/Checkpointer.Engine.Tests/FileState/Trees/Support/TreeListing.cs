using System.Globalization;
using System.Text;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>What a tree is, as find(1) and sha256sum(1) see it; text, so that a difference can be read.</summary>
internal static class TreeListing
{
    /// <summary>Path, type, mode, owner, time, size, link text, device, link group, content hash and attributes of everything; sorted.</summary>
    /// <param name="root">The tree.</param>
    /// <param name="without">Paths that are not compared.</param>
    public static string[] Of(string root, params string[] without)
    {
        // %D:%i tells which names belong together; -xdev: what is mounted below is not part of it.
        var found = Shell.Run(root, @"find . -xdev -printf '%P\t%y\t%m\t%U:%G\t%T@\t%s\t%l\t%n\t%D:%i\0'");
        var hashes = Shell.Run(root, "find . -xdev -type f -exec sha256sum -z {} +")
            .Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .ToDictionary(static line => line[(64 + 2 + 2)..], static line => line[..16]);
        Dictionary<string, string> groups = [];
        List<string> lines = [];
        using var top = RootedOpen.OpenRoot(root);
        foreach (var record in found.Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
        {
            var f = record.Split('\t');
            if (without.Contains(f[0]) || f[1] == "s")
            {
                continue;
            }

            var group = f[1] != "d" && int.Parse(f[7], CultureInfo.InvariantCulture) > 1 ? groups.TryAdd(f[8], f[0]) ? f[0] : groups[f[8]] : "";
            var size = f[1] is "d" ? "" : f[5];
            lines.Add(string.Join(' ', f[0], f[1], f[2], f[3], f[4], size, f[6], group, hashes.GetValueOrDefault(f[0], ""), Details(top, f[0], f[1])));
        }

        return [.. lines];
    }

    private static string Details(Microsoft.Win32.SafeHandles.SafeFileHandle root, string path, string type)
    {
        var bytes = Encoding.Latin1.GetBytes(path);
        var slash = path.LastIndexOf('/');
        using var directory = Nodes.Open(root, slash < 0 ? "."u8 : bytes.AsSpan(0, slash), OpenFlags.ReadOnly | OpenFlags.Directory);
        var name = path.Length == 0 ? default : bytes.AsSpan(slash + 1);
        StringBuilder text = new();
        if (type is "c" or "b")
        {
            Nodes.TryStatus(directory, name, out var status);
            text.Append(status.RepresentedDevice);
        }

        var list = new byte[ExtendedAttributes.MaxSize];
        var value = new byte[ExtendedAttributes.MaxSize];
        var names = Encoding.Latin1.GetString(list, 0, ExtendedAttributes.List(directory, name, list));
        foreach (var attribute in names.Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
        {
            var length = ExtendedAttributes.Get(directory, name, Encoding.Latin1.GetBytes(attribute), value);
            text.Append(CultureInfo.InvariantCulture, $" {attribute}={Convert.ToHexString(value.AsSpan(0, length))}");
        }

        return text.ToString();
    }
}
