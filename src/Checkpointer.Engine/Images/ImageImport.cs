using System.Text.Json;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Images;

/// <summary>What an import made.</summary>
/// <param name="Snapshot">The new snapshot, first of a new lineage.</param>
/// <param name="Described">The directory was an export: the snapshot has the requirement that the checkpoint recorded.</param>
/// <param name="Skipped">Names of files that were left out: logs, statistics, links.</param>
/// <param name="Findings">What is not known about the workload.</param>
public sealed record ImportResult(SnapshotInfo Snapshot, bool Described, IReadOnlyList<string> Skipped, IReadOnlyList<Finding> Findings);

/// <summary>
/// Makes a snapshot of a directory of CRIU images, written by <c>criu dump</c> or by an export. Nothing in the directory is changed. What the images tell becomes
/// the requirement; what they do not tell is not checked at restore, and a finding says so.
/// </summary>
public sealed class ImageImport(CheckpointRepository repository, TimeProvider time)
{
    public const string Phase = "import";

    /// <summary>Files of a directory that are looked at.</summary>
    private const int MaxFiles = 1_000_000;

    /// <summary>Bytes of buffers.</summary>
    private const long PoolBytes = 32L << 20;

    /// <summary>Files of at most this many bytes share buffers.</summary>
    private const long SmallBytes = 256 << 10;

    private const string CpuInfo = "cpuinfo.img";

    /// <summary>What a restore says of an imported snapshot.</summary>
    internal static Finding RestoreNote { get; } = new(
        "requirement-partial",
        FindingSeverity.Note,
        "imported images",
        "processor flags, kernel, open and mapped files and ends outside of the tree are not recorded",
        "a node like the one of the dump",
        "nothing: CRIU checks what it can by itself");

    /// <param name="directory">The images.</param>
    /// <param name="name">The snapshot's name; null: the one of the export, if it is one and no other workload of the repository bears it.</param>
    /// <param name="labels">Added to those of the export.</param>
    /// <param name="progress">Gets bytes and their speed.</param>
    /// <param name="cancellationToken">Ends it; nothing of it is visible then.</param>
    /// <exception cref="UsageException">
    /// Codes not-images, images-have-parent, images-unreadable, images-too-new, images-incomplete, import-name-taken: nothing was written.
    /// </exception>
    public async Task<ImportResult> RunAsync(
        string directory, string? name, IReadOnlyDictionary<string, string> labels, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        var path = Path.GetFullPath(directory);
        using var root = OpenRoot(path);
        var export = ReadExport(root);
        var recorded = export?.Workload is { } workload ? WorkloadRecord.Read(workload, path) : null;
        List<string> prefixes = recorded is null ? [""] : [.. recorded.Trees.Select(static t => t.Prefix)];
        var (files, skipped) = List(path, root, prefixes);
        if (recorded is not null)
        {
            ExportedFiles.MustBeThere(recorded, files.Select(static f => f.Name), path);
        }

        var descriptions = prefixes.ConvertAll(p => ImageDescription.Read(file => ReadSmall(root, p + file, CriuImage.MaxBytes)));
        var record = recorded ?? Derive(descriptions[0], files);
        if (name is null && export?.Name is { } exported)
        {
            await MustBeFreeAsync(exported, cancellationToken).ConfigureAwait(false);
        }

        using BlockPool pool = new(PoolBytes);
        SnapshotTarget target = new(LineageId.New(), 1, null);
        await using var writer = await repository
            .BeginSnapshotAsync(target, new WriterOptions { Pool = pool, Time = time }, cancellationToken).ConfigureAwait(false);
        writer.Hurry = false;
        var total = files.Sum(static f => f.Length);
        Meter meter = new(progress, time, total);
        await Task.Run(() => CopyAll(root, files, writer, pool, meter, cancellationToken), cancellationToken).ConfigureAwait(false);
        var content = new ManifestContent
        {
            Name = name ?? export?.Name,
            Created = export?.Created ?? new DateTimeOffset(File.GetLastWriteTimeUtc(Path.Combine(path, ImageNames.Inventory))),
            Node = export?.Node ?? Host.HostName,
            Intent = export?.Intent is "running" ? "running" : "final",
            Labels = Merge(export?.Labels, labels),
            Workload = record.ToJson(),
        };
        var info = await writer.CommitAsync(content, cancellationToken).ConfigureAwait(false);
        return new ImportResult(info, export?.Workload is not null, skipped, record.Imported ? [RestoreNote] : []);
    }

    /// <summary>Two workloads of one name could not be told apart by it: only a person who asks for that gets it.</summary>
    private async Task MustBeFreeAsync(string name, CancellationToken cancellationToken)
    {
        var all = await repository.ListAsync(cancellationToken).ConfigureAwait(false);
        if (all.FirstOrDefault(s => s.Damage is null && s.Content.Name == name) is { } bearer)
        {
            throw new UsageException(
                "import-name-taken",
                $"the export's name '{name}' is borne by lineage {bearer.Id.Lineage} of this repository already: 'restore --latest {name}' could not tell them apart; nothing was written",
                "Give the imported snapshot a name with --name: another one, or the same if it shall be so.");
        }
    }

    private static SafeFileHandle OpenRoot(string path)
    {
        try
        {
            return RootedOpen.OpenRoot(path);
        }
        catch (PlatformException e)
        {
            throw new UsageException("images-unreadable", $"the directory {path} cannot be read: {e.Message}", "Name the directory with the images.", e);
        }
    }

    private static Dictionary<string, string> Merge(Dictionary<string, string>? exported, IReadOnlyDictionary<string, string> given)
    {
        Dictionary<string, string> labels = new(exported ?? [], StringComparer.Ordinal);
        foreach (var (key, value) in given)
        {
            labels[key] = value;
        }

        return labels;
    }

    /// <summary>Images, and the contents of captured files that an export brings along; everything else is told and left out.</summary>
    private static (List<SnapshotFile> Files, List<string> Skipped) List(string path, SafeFileHandle root, IReadOnlyList<string> prefixes)
    {
        List<SnapshotFile> files = [];
        List<string> skipped = [];
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos())
        {
            if (entry.Name == "parent")
            {
                throw new UsageException(
                    "images-have-parent", $"{path} holds only what changed since an earlier dump (it has a 'parent')", "Dump once more without --prev-images-dir.");
            }

            var isContent = entry.Name.EndsWith(".img", StringComparison.Ordinal) || StateFile.IsOurs(entry.Name);
            if (entry.Name == ImageDirectory.FileName)
            {
                continue;
            }

            if (!isContent || !ImageDirectory.IsSafeName(entry.Name) || LengthOf(root, entry.Name) is not { } length)
            {
                skipped.Add(entry.Name);
                continue;
            }

            files.Add(new SnapshotFile(entry.Name, ExportedFiles.KindOf(entry.Name, prefixes), length));
            if (files.Count > MaxFiles)
            {
                throw new UsageException("not-images", $"{path} holds more than {MaxFiles} files", "Name the directory with the images.");
            }
        }

        return ([.. files.OrderBy(static f => f.Name, StringComparer.Ordinal)], [.. skipped.Order(StringComparer.Ordinal)]);
    }

    /// <summary>Null: no regular file.</summary>
    private static long? LengthOf(SafeFileHandle root, string name)
    {
        using var handle = TryOpen(root, name);
        return handle is null ? null : RandomAccess.GetLength(handle);
    }

    private static SafeFileHandle? TryOpen(SafeFileHandle root, string name)
    {
        SafeFileHandle handle;
        try
        {
            handle = RootedOpen.Open(root, name, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlocking);
        }
        catch (PlatformException)
        {
            // A link, or gone: the caller leaves it out or says what is missing.
            return null;
        }

        if (FileStatus.Of($"/proc/self/fd/{handle.DangerousGetHandle()}") is { Type: FileType.Regular })
        {
            return handle;
        }

        handle.Dispose();
        return null;
    }

    private static byte[]? ReadSmall(SafeFileHandle root, string name, int maxBytes)
    {
        using var handle = TryOpen(root, name);
        if (handle is null || RandomAccess.GetLength(handle) is var length && length > maxBytes)
        {
            return null;
        }

        var data = new byte[length];
        var read = 0;
        while (read < data.Length && RandomAccess.Read(handle, data.AsSpan(read), read) is var n and > 0)
        {
            read += n;
        }

        return data[..read];
    }

    private static ImageDirectory? ReadExport(SafeFileHandle root)
    {
        if (ReadSmall(root, ImageDirectory.FileName, ImageDirectory.MaxBytes) is not { } json)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(json, ImageJson.Default.ImageDirectory) is { Format: ImageDirectory.CurrentFormat } export
                && export.Labels is not null && !export.Labels.ContainsValue(null!)
                ? export.Version <= ImageDirectory.CurrentVersion
                    ? export
                    : throw new UsageException("images-too-new", $"{ImageDirectory.FileName} was written by a newer checkpointer", "Use that one.")
                : throw new JsonException("it is no description of exported images");
        }
        catch (JsonException e)
        {
            throw new UsageException(
                "not-images", $"{ImageDirectory.FileName} cannot be read: {e.Message}", "Remove it to import the images as CRIU wrote them.", e);
        }
    }

    private static WorkloadRecord Derive(ImageDescription description, List<SnapshotFile> files)
    {
        var has = files.Select(static f => f.Name).ToHashSet(StringComparer.Ordinal);
        return new WorkloadRecord
        {
            Imported = true,
            RootPid = description.RootPid,
            Command = description.Command,
            Processes = description.Processes,
            Requirement = new Requirement
            {
                Architecture = description.Architecture ?? Machine.Architecture,
                CpuFlags = [],
                CpuModel = "",
                KernelRelease = "",
                MemoryBytes = files.Where(static f => f.Kind == FileKind.Pages).Sum(static f => f.Length),
                ThreadIds = description.ThreadIds,
                OwnPidNamespace = description.RootPid == 1,
                CgroupMode = "",
            },
            Options = new TreeOptions
            {
                FileLocks = has.Contains("filelocks.img"),
                TcpEstablished = has.Any(static n => n.StartsWith("tcp-stream-", StringComparison.Ordinal)),
                ShellJob = description.IsShellJob,

                // CRIU writes what it compares processors with only when it was asked to, and refuses to compare without it.
                CpuCapability = has.Contains(CpuInfo) ? TreeOptions.DefaultCpuCapability : "none",
            },
            StateFiles = [],
        };
    }

    private static void CopyAll(
        SafeFileHandle root, List<SnapshotFile> files, SnapshotWriter writer, BlockPool pool, Meter meter, CancellationToken cancellationToken)
    {
        foreach (var file in files)
        {
            using var handle = TryOpen(root, file.Name) ?? throw Changed(file.Name);
            var sink = writer.OpenFile(file.Name, file.Kind);
            var small = file.Length <= SmallBytes ? new byte[SmallBytes] : null;
            long at = 0;
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var block = small is null ? pool.Rent(cancellationToken) : null;
                var read = Fill(handle, small ?? block!.Span, at);
                if (read == 0)
                {
                    block?.Dispose();
                    break;
                }

                if (block is null)
                {
                    sink.Write(small.AsSpan(0, read));
                }
                else
                {
                    block.Length = read;
                    sink.Append(block);
                }

                at += read;
                meter.Add(read);
            }

            sink.Complete();
            if (at != file.Length)
            {
                throw Changed(file.Name);
            }
        }
    }

    private static int Fill(SafeFileHandle handle, Span<byte> buffer, long offset)
    {
        var filled = 0;
        while (filled < buffer.Length && RandomAccess.Read(handle, buffer[filled..], offset + filled) is var read and > 0)
        {
            filled += read;
        }

        return filled;
    }

    private static OperationFailedException Changed(string name) => new(
        "images-changed", $"{name} changed while it was read; no snapshot was made", "Wait until 'criu dump' has ended, and import again.");

    /// <summary>Counts bytes for the display.</summary>
    private sealed class Meter(IProgress<OperationProgress>? progress, TimeProvider time, long total)
    {
        private readonly long _start = time.GetTimestamp();
        private long _done;

        public void Add(long bytes)
        {
            _done += bytes;
            var seconds = time.GetElapsedTime(_start).TotalSeconds;
            progress?.Report(new OperationProgress
            {
                Phase = Phase,
                BytesDone = _done,
                BytesTotal = total,
                BytesPerSecond = seconds > 0 ? _done / seconds : 0,
            });
        }
    }
}
