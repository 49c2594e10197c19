using System.Globalization;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Reads whole trees in one pass while the workload is frozen, through the same packs as the memory; on request also before, only to store what it has. Nothing is written to the tree, not
/// even access times where the kernel allows it.
/// </summary>
/// <remarks>
/// Unix sockets are passed over: CRIU makes those that are bound again, and one that nobody listens on is of no use. What changes or
/// vanishes while it is read is an error in an overlay's upper directory, which belongs to the frozen container alone. In a
/// <see cref="FileTreeKind.Directory"/>, which other containers of a pod may share, it is noted (<see cref="Notes"/>): what was read of it
/// travels, as a copy that any program made at that moment would have it.
/// </remarks>
internal sealed class FileTreeCapture(SnapshotWriter writer, BlockPool pool)
{
    /// <summary>Notes kept; a directory that somebody rewrites as a whole would give any number.</summary>
    private const int MaxNotes = 100;

    private readonly List<Finding> _notes = [];
    private long _bytes;
    private long _early;

    /// <summary>Bytes of contents read so far, for the watchdog and progress.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Bytes of contents read before the freeze so far.</summary>
    public long EarlyBytes => Volatile.Read(ref _early);

    /// <summary>What is worth knowing of the captured trees: files that others wrote to meanwhile. At most some hundred.</summary>
    public IReadOnlyList<Finding> Notes => _notes;

    /// <summary>Entries and bytes of a tree, and what speaks against capturing it; reads no contents. For the estimate, before the freeze.</summary>
    public static FileTreeMeasure Measure(FileTreeSource source, CancellationToken cancellationToken)
    {
        using TreeMeasurement measurement = new(source);
        return measurement.Measure(cancellationToken);
    }

    /// <summary>Captures a tree.</summary>
    /// <exception cref="OperationFailedException">The kernel refuses, something changes while it is read, or a limit is passed; it names the file.</exception>
    /// <exception cref="RefusedException">A part of the tree lies in a lower layer of the overlay.</exception>
    /// <exception cref="UsageException">A pattern is none.</exception>
    public FileTreeRecord Capture(FileTreeSource source, CancellationToken cancellationToken)
    {
        var index = string.Create(CultureInfo.InvariantCulture, $"{FileTreeFormat.NamePrefix}{source.Number}");
        var patterns = FileTreePatterns.Parse(source.Excludes);
        FileTreeIndexWriter entries = new(writer.OpenFile(index, FileKind.Bytes), source.Kind, patterns);
        using ContentWriter content = new(writer.OpenFile(index + FileTreeFormat.ContentSuffix, FileKind.Pages), pool, Read);
        using TreeCapture capture = new(source, patterns, entries, content, Note);
        capture.Run(cancellationToken);
        entries.Complete();
        content.Complete();
        return new FileTreeRecord
        {
            MountPoint = source.MountPoint,
            Kind = source.Kind,
            Index = index,
            Content = index + "-data",
            Entries = entries.Entries,
            Bytes = content.Bytes,
        };
    }

    /// <summary>
    /// Stores the contents of a tree whose workload runs on, so that <see cref="Capture"/> finds them stored. Nothing depends on it: what changes meanwhile, or is
    /// no file any more, is read again then.
    /// </summary>
    /// <exception cref="CheckpointerException">As from <see cref="Capture"/>, but not for changes.</exception>
    public void ReadEarly(FileTreeSource source, CancellationToken cancellationToken)
    {
        // As a directory that somebody else writes to: nothing in it has to stand still.
        var moving = source with { Kind = FileTreeKind.Directory };
        var patterns = FileTreePatterns.Parse(source.Excludes);
        FileTreeIndexWriter entries = new(writer.OpenEarly(FileKind.Bytes), moving.Kind, patterns);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using ContentWriter content = new(writer.OpenEarly(FileKind.Pages), pool, ReadEarly);
        using TreeCapture capture = new(moving, patterns, entries, content, static _ => { });
        try
        {
            capture.Run(enough.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The rest is stored when it is captured.
        }

        entries.Complete();
        content.Complete();

        void ReadEarly(long bytes)
        {
            Volatile.Write(ref _early, _early + bytes);
            if (writer.IsEarlyFull)
            {
                enough.Cancel();
            }
        }
    }

    private void Read(long bytes) => Volatile.Write(ref _bytes, _bytes + bytes);

    private void Note(Finding finding)
    {
        if (_notes.Count < MaxNotes)
        {
            _notes.Add(finding);
        }
    }
}
