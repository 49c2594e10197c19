using System.Globalization;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState;

/// <summary>Reads the files that travel with a snapshot, while the tree is frozen, through the same packs as the memory.</summary>
internal sealed class FileCapture
{
    private const int MaxPermission = 0x1ff; // 0777: set-id and sticky bits never travel

    private const int MaxDirectoryPermission = 0x3ff; // 01777

    private readonly SnapshotWriter _writer;
    private readonly BlockPool _pool;

    public FileCapture(SnapshotWriter writer, BlockPool pool)
    {
        _writer = writer;
        _pool = pool;
    }

    /// <summary>Bytes read so far, for the watchdog.</summary>
    public long Bytes { get; private set; }

    /// <summary>The directories above these files, as the tree's root sees them, topmost first.</summary>
    public static List<StateDirectory> DirectoriesOf(int rootPid, IEnumerable<string> paths)
    {
        SortedSet<string> above = new(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            for (var parent = Path.GetDirectoryName(path); parent is { Length: > 1 }; parent = Path.GetDirectoryName(parent))
            {
                above.Add(parent);
            }
        }

        return
        [
            .. above
                .Select(path => (path, status: FileStatus.Of(string.Create(CultureInfo.InvariantCulture, $"/proc/{rootPid}/root{path}"))))
                .Where(static d => d.status is { Type: FileType.Directory })
                .Select(static d => new StateDirectory(d.path, d.status!.Mode & MaxDirectoryPermission, d.status.Uid, d.status.Gid)),
        ];
    }

    /// <summary>Looks, before anything is frozen, whether each file could be captured.</summary>
    /// <exception cref="UsageException">One is missing, cannot be opened, or is no regular file.</exception>
    public static void MustBeThere(int rootPid, IReadOnlyList<string> paths)
    {
        if (paths.Count == 0)
        {
            return;
        }

        using var root = RootedOpen.OpenRoot(string.Create(CultureInfo.InvariantCulture, $"/proc/{rootPid}/root"));
        foreach (var path in paths)
        {
            string why;
            try
            {
                using var file = Open(root, path);
                if (FileStatus.Of(NameOf(file)) is { Type: FileType.Regular })
                {
                    continue;
                }

                why = "it is no regular file";
            }
            catch (OperationFailedException e) when (e.InnerException is PlatformException inner)
            {
                why = inner.Message;
            }

            throw new UsageException(
                "include-unusable", $"{path} cannot travel with the snapshot: {why}.", "Name a regular file as the workload sees it, or leave out --include.");
        }
    }

    /// <summary>Captures each file whole, as the tree's root sees it.</summary>
    /// <exception cref="OperationFailedException">A file is gone, no regular file any more, or changes its length while it is read.</exception>
    public List<StateFile> Capture(int rootPid, IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        List<StateFile> captured = [];
        using var root = RootedOpen.OpenRoot(string.Create(CultureInfo.InvariantCulture, $"/proc/{rootPid}/root"));
        var sameMounts = NamespaceInode.TryOf(rootPid, "mnt") == NamespaceInode.TryOf(Environment.ProcessId, "mnt");
        foreach (var given in paths)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var content = string.Create(CultureInfo.InvariantCulture, $"{StateFile.ContentPrefix}{captured.Count + 1}");
            using var file = Open(root, given);

            // Without the links that led there: at restore none is followed.
            var path = (sameMounts ? new FileInfo(NameOf(file)).LinkTarget : null) ?? given;
            if (captured.Exists(c => c.Path == path))
            {
                continue;
            }

            var status = FileStatus.Of(NameOf(file))
                ?? throw Failed(path, "its status cannot be read");
            if (status.Type != FileType.Regular)
            {
                throw Failed(path, "it is no regular file");
            }

            if (Copy(file, content, cancellationToken) is var length && length != status.Size)
            {
                throw Failed(path, $"it had {status.Size} bytes and gave {length}: somebody outside the tree writes to it");
            }

            captured.Add(new StateFile
            {
                Path = path,
                Content = content,
                Size = status.Size,
                Mode = status.Mode & MaxPermission,
                Uid = status.Uid,
                Gid = status.Gid,
                ModifiedNanoseconds = status.ModifiedNanoseconds,
                OnTmpfs = FileSystems.IsTmpfs(file),
            });
        }

        return captured;
    }

    private static string NameOf(SafeFileHandle file) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file.DangerousGetHandle()}");

    private static SafeFileHandle Open(SafeFileHandle root, string path)
    {
        try
        {
            return RootedOpen.Open(root, path.TrimStart('/'), OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlocking);
        }
        catch (PlatformException e)
        {
            throw Failed(path, e.Message, e);
        }
    }

    private static OperationFailedException Failed(string path, string why, Exception? inner = null) => new(
        "state-file", $"{path} cannot be captured: {why}.", "Mend the file, or leave it out of --include.", inner);

    private long Copy(SafeFileHandle file, string content, CancellationToken cancellationToken)
    {
        var sink = _writer.OpenFile(content, FileKind.Pages);
        long length = 0;
        while (true)
        {
            var block = _pool.Rent(cancellationToken);
            var read = Fill(file, block.Span);
            if (read == 0)
            {
                block.Dispose();
                break;
            }

            block.Length = read;
            sink.Append(block);
            length += read;
            Bytes += read;
        }

        sink.Complete();
        return length;
    }

    private static int Fill(SafeFileHandle file, Span<byte> buffer)
    {
        var filled = 0;
        while (filled < buffer.Length && Fds.Read(file, buffer[filled..]) is var read and > 0)
        {
            filled += read;
        }

        return filled;
    }
}
