using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Engine.Streaming;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Images;

/// <summary>What the record of an exported snapshot says of the files beside it.</summary>
internal static class ExportedFiles
{
    /// <summary>CRIU's images that each tree has, whatever it is.</summary>
    private static readonly string[] EveryTree = [ImageNames.Inventory, "pstree.img"];

    /// <exception cref="UsageException">Code images-incomplete: a restore would look for files that are not there.</exception>
    public static void MustBeThere(WorkloadRecord record, IEnumerable<string> there, string directory)
    {
        var names = there.ToHashSet(StringComparer.Ordinal);
        List<string> missing = [.. Named(record).Distinct(StringComparer.Ordinal).Where(n => !names.Contains(n))];
        if (missing.Count > 0)
        {
            throw new UsageException(
                "images-incomplete",
                $"{directory} lacks {missing.Count} of the files that its {ImageDirectory.FileName} names ({FindingList.Enumerate(missing)}); nothing was written",
                "Copy the exported directory whole, or export the snapshot again.");
        }
    }

    /// <summary>How a file of an export was stored: as the checkpoint did it, by the name that it has without the prefix of its tree.</summary>
    public static FileKind KindOf(string name, IReadOnlyList<string> prefixes)
    {
        if (name.StartsWith(FileState.StateFile.ContentPrefix, StringComparison.Ordinal) || FileTreeFormat.IsContent(name))
        {
            return FileKind.Pages;
        }

        var prefix = prefixes.FirstOrDefault(p => name.StartsWith(p, StringComparison.Ordinal)) ?? "";
        return ImageNames.KindOf(name[prefix.Length..]);
    }

    private static IEnumerable<string> Named(WorkloadRecord record)
    {
        foreach (var (prefix, tree) in record.Trees)
        {
            foreach (var name in EveryTree)
            {
                yield return prefix + name;
            }

            foreach (var files in tree.Container?.FileTrees ?? [])
            {
                yield return files.Index;
                yield return files.Content;
            }
        }

        foreach (var file in record.Trees.SelectMany(static t => t.Record.StateFiles).Concat(record.StateFiles))
        {
            yield return file.Content;
        }
    }
}
