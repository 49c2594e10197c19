using Checkpointer.Platform;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>The errors of capturing and applying trees.</summary>
internal static class TreeErrors
{
    public static OperationFailedException Capture(string path, string why, Exception? inner = null) => new(
        "file-tree-capture", $"{path} cannot be captured: {why}.", "Mend the file, or leave it out of the snapshot.", inner);

    public static RefusedException Elsewhere(string path, string attribute) => new(
        "file-tree-elsewhere", $"{path} cannot be captured: {Found(attribute)}.", Remedy)
    {
        Findings = [ElsewhereFinding(path, attribute)],
    };

    public static Finding ElsewhereFinding(string path, string attribute) => new(
        "file-tree-elsewhere", FindingSeverity.Blocker, path, Found(attribute), "an upper directory that holds what it names", Remedy);

    public static OperationFailedException Apply(string path, string why, Exception? inner = null)
    {
        var remedy = (inner as PlatformException)?.Errno switch
        {
            Errno.EROFS => "Mount it writable in the container that takes the restore, as it was where it was dumped.",
            Errno.ENOSPC => "Give the file system more room.",
            Errno.EOPNOTSUPP => "Use a file system there that can hold what the dumped one held.",
            _ => "Look at what the message names; the tree can be applied again.",
        };
        return new OperationFailedException("file-tree-apply", $"{path} cannot be restored: {why}.", remedy, inner);
    }

    private const string Remedy = "Mount the overlay with redirect_dir=off,metacopy=off and without userxattr (containerd's default).";

    private static string Found(string attribute) => $"the attribute {attribute} says that it lies in a lower layer, or that nobody can tell";
}
