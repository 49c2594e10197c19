using System.Runtime.CompilerServices;
using Checkpointer.Platform;

namespace Checkpointer.Repository;

public sealed partial class DirectoryBackend
{
    /// <summary>The clock by which this process judges its own leases.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <inheritdoc/>
    public ValueTask<ILease?> TryLeaseAsync(string name, ReadOnlyMemory<byte> note, TimeSpan duration, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(note.Length, LeaseInfo.MaxNote, nameof(note));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        return Guarded<ILease?>(name, leases => leases.TryTake(name, note.Span, duration), makeDirectory: true, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<LeaseInfo?> FindLeaseAsync(string name, CancellationToken cancellationToken) =>
        Guarded(name, static leases => leases.Find(), makeDirectory: false, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> BreakLeaseAsync(string name, CancellationToken cancellationToken) =>
        Guarded(name, static leases => leases.Break(), makeDirectory: false, cancellationToken);

    /// <inheritdoc/>
    public ValueTask TidyAsync(string lease, CancellationToken cancellationToken)
    {
        string path = PathOf(lease);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            new DirectoryLeases(Path.GetDirectoryName(path)!, Path.GetFileName(path), Time).Remove();

            // Only those that were made here: others may rely on theirs. What lies in another comes first.
            foreach (string directory in _knownDirectories.Where(static d => d.Value).Select(static d => d.Key).OrderByDescending(static d => d.Length))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (Directory.Exists(directory) && !Directory.EnumerateFileSystemEntries(directory).Any())
                {
                    _knownDirectories.TryRemove(directory, out _);
                    Directory.Delete(directory);
                }
            }
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, Describe(), lease);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListUnfinishedAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        EnumerationOptions options = new()
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.None,
            IgnoreInaccessible = false,
            ReturnSpecialDirectories = false,
        };
        if (!Directory.Exists(_root))
        {
            yield break;
        }

        foreach (FileInfo file in new DirectoryInfo(_root).EnumerateFiles(DurableFile.TemporaryPrefix + "*", options))
        {
            cancellationToken.ThrowIfCancellationRequested();
            string name = Path.GetRelativePath(_root, file.FullName);
            if (IsUnfinished(name) && file.Exists)
            {
                yield return new ObjectInfo(name, file.Length, new DateTimeOffset(file.LastWriteTimeUtc));
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> DeleteUnfinishedAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!IsUnfinished(name))
        {
            throw new ArgumentException($"'{name}' is not the name of an unfinished upload", nameof(name));
        }

        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return ValueTask.FromResult(DurableFile.Delete(Path.Combine(_root, name)));
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, Describe(), name);
        }
    }

    /// <summary>A file of ours: beside an object that could have this folder, and with a name that only our uploads have.</summary>
    private static bool IsUnfinished(string name)
    {
        int slash = name.LastIndexOf('/');
        ReadOnlySpan<char> file = name.AsSpan(slash + 1);
        return (slash < 0 || ObjectNames.IsValid(name[..slash]))
            && file.StartsWith(DurableFile.TemporaryPrefix, StringComparison.Ordinal)
            && file.Length > DurableFile.TemporaryPrefix.Length
            && !file[DurableFile.TemporaryPrefix.Length..].ContainsAnyExceptInRange('0', 'f');
    }

    private ValueTask<T> Guarded<T>(string name, Func<DirectoryLeases, T> step, bool makeDirectory, CancellationToken cancellationToken)
    {
        string path = PathOf(name);
        cancellationToken.ThrowIfCancellationRequested();
        string directory = Path.GetDirectoryName(path)!;
        try
        {
            if (makeDirectory)
            {
                EnsureDirectory(directory);
            }

            return ValueTask.FromResult(step(new DirectoryLeases(directory, Path.GetFileName(path), Time)));
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, Describe(), name);
        }
    }
}
