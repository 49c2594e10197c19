using Checkpointer.Platform;

namespace Checkpointer.Engine.Compatibility;

/// <summary>Files that CRIU will open again: they must be there, with the size and the build that they had.</summary>
internal static class FileCheck
{
    private const string SameFile = "put the same file in place (same package or image version), or restore on a node that has it";

    public static void Run(Requirement requirement, RestoreTarget target, FindingList findings)
    {
        foreach (MappedFile file in requirement.MappedFiles.Where(f => !target.Carried.Contains(f.Path)))
        {
            Mapped(file, target, findings);
        }

        HashSet<string> mapped = [.. requirement.MappedFiles.Select(f => f.Path)];
        foreach (OpenFile file in requirement.OpenFiles.Where(f => !target.Carried.Contains(f.Path) && !mapped.Contains(f.Path)))
        {
            Open(file, target, findings);
        }

        foreach (string directory in requirement.Directories.Where(d => !target.Carried.Contains(d)))
        {
            if (Find(directory, target, findings) is { } path && FileStatus.Of(path) is not { Type: FileType.Directory })
            {
                findings.Blocker("directory-missing", directory, "no such directory", "the directory that the tree works in", "create it with the same owner and permissions");
            }
        }
    }

    private static void Mapped(MappedFile file, RestoreTarget target, FindingList findings)
    {
        if (Find(file.Path, target, findings) is not { } path)
        {
            return;
        }

        FileStatus? status = FileStatus.Of(path);
        if (status is not { Type: FileType.Regular })
        {
            findings.Blocker("mapped-file-missing", file.Path, "no such file", "the file that the tree has mapped", SameFile);
        }
        else if (status.Size != file.Size)
        {
            findings.Blocker("mapped-file-differs", file.Path, $"{status.Size} bytes", $"{file.Size} bytes", SameFile);
        }
        else if (file.BuildId is not null && ElfBuildId.Read(path) is { } build && build != file.BuildId)
        {
            findings.Blocker("mapped-file-differs", file.Path, $"build {build}", $"build {file.BuildId}", SameFile);
        }
    }

    private static void Open(OpenFile file, RestoreTarget target, FindingList findings)
    {
        if (Find(file.Path, target, findings) is not { } path)
        {
            return;
        }

        FileStatus? status = FileStatus.Of(path);
        if (status is not { Type: FileType.Regular })
        {
            findings.Blocker("open-file-missing", file.Path, "no such file", "the file that the tree has open",
                "copy it here, or checkpoint with --include so that it travels with the snapshot");
        }
        else if (file.SizeChecked && status.Size != file.Size)
        {
            findings.Blocker("open-file-differs", file.Path, $"{status.Size} bytes", $"{file.Size} bytes: CRIU refuses another size",
                "bring the file back to what it was, or checkpoint with --include so that it travels with the snapshot");
        }
        else if (file.Writable && status.ModifiedNanoseconds != file.ModifiedNanoseconds)
        {
            findings.Note("open-file-modified", file.Path, "modified at another time than recorded", "the contents that the tree knows",
                "nothing, if what was written since does not matter to the program");
        }
    }

    // Paths come from a manifest, that is from a workload: only plain absolute ones are looked at.
    private static string? Find(string path, RestoreTarget target, FindingList findings)
    {
        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal) || path.Split('/').Contains(".."))
        {
            findings.Blocker("path-refused", path, "not a plain absolute path", "a path that begins with / and does not go up", "make a new checkpoint");
            return null;
        }

        return target.Root.TrimEnd('/') + path;
    }
}
