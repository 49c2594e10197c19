using System.Buffers;
using System.Text.Json;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Images;

/// <summary>What an export made.</summary>
/// <param name="Directory">Where the images are.</param>
/// <param name="Files">How many.</param>
/// <param name="Bytes">Bytes of all files.</param>
/// <param name="BytesWritten">Bytes that are not zero runs: zero runs are holes.</param>
/// <param name="CriuArguments">How stock CRIU restores them; empty where the snapshot records no workload, or a pod.</param>
public sealed record ExportResult(string Directory, int Files, long Bytes, long BytesWritten, IReadOnlyList<string> CriuArguments);

/// <summary>
/// Writes a snapshot as a directory of plain CRIU images. Everything goes into a directory beside the wanted one, is flushed, and then gets its name in one step:
/// the wanted one is whole or not there. Names of files come from a workload: only harmless ones are written, each created exclusively below the directory's handle.
/// </summary>
public sealed class SnapshotExport(SnapshotReader reader, TimeProvider time)
{
    /// <summary>How names of unfinished exports begin; a killed export leaves one, which nobody reads.</summary>
    public const string TemporaryPrefix = ".checkpointer-export-";

    public const string Phase = "export";

    /// <summary>Bytes of one run: one ranged read, one write.</summary>
    private const int RunBytes = 1 << 20;

    /// <summary>Runs in memory at once, over all files.</summary>
    private const int InFlight = 8;

    private const UnixFileMode FileMode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode DirectoryMode = FileMode600 | UnixFileMode.UserExecute;

    private long _done;
    private long _written;

    /// <summary>Bytes that an export uses, whatever the size of the snapshot (besides the map's index).</summary>
    public static long MemoryBytes => (InFlight * (long)RunBytes) + SnapshotReader.DecodeBytes;

    /// <summary>
    /// Codes export-not-empty and export-name (usage, repository), export-no-space and export-not-written (host), repository-damaged. After each nothing of the
    /// images is left, or the message names where.
    /// </summary>
    public async Task<ExportResult> RunAsync(string directory, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        CheckNames();
        var parent = CheckTarget(target);
        var needed = await CountAsync(cancellationToken).ConfigureAwait(false);
        if (FileSystems.Free(parent) is var free && needed > free)
        {
            throw new HostException(
                "export-no-space",
                $"the images take {ByteSize.Format(needed)}, and {parent} has {ByteSize.Format(free)} free",
                "Free space, or name a directory on another file system.");
        }

        var temporary = Path.Combine(parent, TemporaryPrefix + Guid.NewGuid().ToString("N"));
        try
        {
            Directory.CreateDirectory(temporary, DirectoryMode);
            var total = reader.Files.Sum(static f => f.Length);
            await WriteAllAsync(temporary, total, progress, cancellationToken).ConfigureAwait(false);
            Publish(temporary, target);
            return new ExportResult(target, reader.Files.Count, total, _written, CriuArguments(target));
        }
        catch (Exception e)
        {
            var left = Remove(temporary);
            if (e is IOException or PlatformException)
            {
                throw ExportError.From(e, target, left);
            }

            if (left is not null)
            {
                throw ExportError.Left(e, left);
            }

            throw;
        }
    }

    /// <summary>Null, or where something of the images is left.</summary>
    private static string? Remove(string temporary)
    {
        try
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The failure that led here is told, with the place.
            return temporary;
        }
    }

    /// <summary>How stock CRIU restores the images of this snapshot.</summary>
    private List<string> CriuArguments(string directory)
    {
        if (reader.Info.Content.Workload.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        WorkloadRecord record;
        try
        {
            record = WorkloadRecord.Read(reader.Info.Content.Workload, reader.Info.Id.ToString());
        }
        catch (RepositoryException)
        {
            // A newer program's record, or none: the images are as good without it, and an export is a way to rescue them.
            return [];
        }

        if (record.Pod is not null)
        {
            // Several trees, whose images bear a prefix that CRIU does not know.
            return [];
        }

        var ended = record.Options.HasEndedConnections(reader.Files.Select(static f => f.Name));
        return ["restore", "--images-dir", directory, "--restore-detached", .. record.Options.RestoreArguments(closeTcp: false, ended)];
    }

    private static string CheckTarget(string target)
    {
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
        {
            throw new UsageException("export-not-empty", $"{target} is there and is not empty; nothing was written", "Name a directory that is empty or does not exist.");
        }

        var parent = Path.GetDirectoryName(target);
        return parent is not null && Directory.Exists(parent)
            ? parent
            : throw new UsageException("export-no-parent", $"{target} cannot be made: {parent ?? "/"} is no directory", "Make the directory above it first.");
    }

    private static void Publish(string temporary, string target)
    {
        try
        {
            DurableFile.PublishDirectory(temporary, target);
        }
        catch (PlatformException e)
        {
            throw new OperationFailedException(
                "export-not-published", $"the images could not be given the name {target}: {e.Message}", "Name a directory that does not exist.", e);
        }
    }

    private void CheckNames()
    {
        if (reader.Files.FirstOrDefault(static f => !ImageDirectory.IsSafeName(f.Name)) is { } bad)
        {
            throw new RepositoryException(
                "export-name",
                $"snapshot {reader.Info.Id} holds a file named '{bad.Name}', which is no name for a file in a directory; nothing was written",
                "It does not come from a checkpoint; do not use it.");
        }
    }

    /// <summary>Bytes that will be written: the map tells, without any pack being read.</summary>
    private async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        long bytes = 0;
        foreach (var file in reader.Files)
        {
            using var cursor = reader.OpenFile(file.Name);
            while (await cursor.NextRunAsync(RunBytes, cancellationToken).ConfigureAwait(false) is { } run)
            {
                bytes += run.IsZero ? 0 : run.RawLength;
            }
        }

        return bytes;
    }

    private async Task WriteAllAsync(string directory, long total, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        using var root = RootedOpen.OpenRoot(directory);
        using SemaphoreSlim slots = new(InFlight);
        var start = time.GetTimestamp();
        foreach (var file in reader.Files)
        {
            using var handle = Create(root, file.Name);
            await WriteAsync(handle, file, slots, Report, cancellationToken).ConfigureAwait(false);
            RandomAccess.FlushToDisk(handle);
        }

        using var description = Create(root, ImageDirectory.FileName);
        RandomAccess.Write(description, JsonSerializer.SerializeToUtf8Bytes(Describe(), ImageJson.Default.ImageDirectory), 0);
        RandomAccess.FlushToDisk(description);

        void Report()
        {
            var seconds = time.GetElapsedTime(start).TotalSeconds;
            var done = Interlocked.Read(ref _done);
            progress?.Report(new OperationProgress
            {
                Phase = Phase,
                BytesDone = done,
                BytesTotal = total,
                BytesPerSecond = seconds > 0 ? done / seconds : 0,
            });
        }
    }

    private async Task WriteAsync(SafeFileHandle handle, SnapshotFile file, SemaphoreSlim slots, Action report, CancellationToken cancellationToken)
    {
        // Holes where nothing is written.
        RandomAccess.SetLength(handle, file.Length);
        using var cursor = reader.OpenFile(file.Name);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> running = [];
        try
        {
            while (await cursor.NextRunAsync(RunBytes, stop.Token).ConfigureAwait(false) is { } run)
            {
                if (!run.IsZero)
                {
                    await slots.WaitAsync(stop.Token).ConfigureAwait(false);
                    running.RemoveAll(static t => t.IsCompletedSuccessfully);
                    running.Add(WriteRunAsync(handle, cursor, run, slots, stop));
                }

                Interlocked.Add(ref _done, run.RawLength);
                report();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // One of the runs failed, and says so below.
        }
        finally
        {
            // None may write into a file that is closed.
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(running.OrderByDescending(static t => t.IsFaulted)).ConfigureAwait(false);
    }

    private async Task WriteRunAsync(SafeFileHandle handle, FileReader cursor, ChunkRun run, SemaphoreSlim slots, CancellationTokenSource stop)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(run.RawLength);
        try
        {
            await cursor.DecodeAsync(run, buffer, stop.Token).ConfigureAwait(false);
            RandomAccess.Write(handle, buffer.AsSpan(0, run.RawLength), run.Offset);
            Interlocked.Add(ref _written, run.RawLength);
        }
        catch (Exception)
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            slots.Release();
        }
    }

    private ImageDirectory Describe()
    {
        var content = reader.Info.Content;
        return new ImageDirectory
        {
            Snapshot = reader.Info.Id.ToString(),
            Name = content.Name,
            Created = content.Created,
            Node = content.Node,
            Intent = content.Intent,
            Labels = content.Labels.ToDictionary(static l => l.Key, static l => l.Value, StringComparer.Ordinal),
            Workload = content.Workload.ValueKind == JsonValueKind.Object ? content.Workload : null,
        };
    }

    private static SafeFileHandle Create(SafeFileHandle root, string name) =>
        RootedOpen.Open(root, name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, FileMode600);
}
