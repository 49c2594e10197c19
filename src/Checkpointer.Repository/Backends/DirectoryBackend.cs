using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Repository;

/// <summary>
/// A repository in a directory of the local machine or of a mounted share. Uploads go into a file whose name starts with a dot beside their target,
/// are flushed, and then linked under their name, and the directory is flushed, so that what was committed survives power loss.
/// Reads run on the calling thread.
/// </summary>
public sealed partial class DirectoryBackend : IBackend
{
    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _root;

    /// <summary>Folders that are there; true for those that were made here.</summary>
    private readonly ConcurrentDictionary<string, bool> _knownDirectories = new(StringComparer.Ordinal);

    /// <summary>The directory is made by the first upload.</summary>
    public DirectoryBackend(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
    }

    /// <inheritdoc/>
    public string Describe() => $"directory {_root}";

    /// <inheritdoc/>
    public IObjectUpload BeginPut(string name, CancellationToken cancellationToken)
    {
        string path = PathOf(name);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            string directory = Path.GetDirectoryName(path)!;
            EnsureDirectory(directory);
            string temporary = DurableFile.TemporaryPathFor(path);
            SafeFileHandle handle = Fds.Open(temporary, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive);
            return new DirectoryUpload(this, name, path, temporary, handle, cancellationToken);
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, Describe(), name);
        }
    }

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        string path = PathOf(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            // ReadWrite sharing keeps the runtime from taking advisory locks, which shares may not offer.
            using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            int total = 0;
            while (total < destination.Length)
            {
                int read = RandomAccess.Read(handle, destination.Span[total..], offset + total);
                if (read == 0)
                {
                    break;
                }

                total += read;
            }

            return ValueTask.FromResult(total);
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, Describe(), name);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken)
    {
        string path = PathOf(name);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return ValueTask.FromResult(InfoOf(name, path));
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, Describe(), name);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (prefix.Length > 0 && (prefix[^1] != '/' || !ObjectNames.IsValid(prefix[..^1])))
        {
            throw new ArgumentException($"'{prefix}' is not a valid prefix", nameof(prefix));
        }

        // One folder at a time is in memory: packs are spread over 256.
        await Task.CompletedTask.ConfigureAwait(false);
        Stack<string> folders = new([prefix]);
        while (folders.TryPop(out string? folder))
        {
            foreach ((string name, bool isFolder) in Entries(folder))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (isFolder)
                {
                    folders.Push(name + "/");
                }
                else if (await StatAsync(name, cancellationToken).ConfigureAwait(false) is { } info)
                {
                    yield return info;
                }
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        string path = PathOf(name);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return ValueTask.FromResult(DurableFile.Delete(path));
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, Describe(), name);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static ObjectInfo? InfoOf(string name, string path)
    {
        FileInfo info = new(path);
        if (info.Exists)
        {
            return new ObjectInfo(name, info.Length, new DateTimeOffset(info.LastWriteTimeUtc));
        }

        try
        {
            // Exists is also false where looking is not allowed; that must not pass as absence.
            File.GetAttributes(path);
            return null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private List<(string Name, bool IsFolder)> Entries(string folder)
    {
        List<(string, bool)> entries = [];
        try
        {
            foreach (FileSystemInfo entry in new DirectoryInfo(Path.Combine(_root, folder)).EnumerateFileSystemInfos())
            {
                string name = folder + entry.Name;
                if (ObjectNames.IsValid(name))
                {
                    entries.Add((name, entry is DirectoryInfo));
                }
            }
        }
        catch (DirectoryNotFoundException)
        {
            // A folder appears with its first object: none means empty.
            return entries;
        }
        catch (Exception e) when (StoreError.IsExpected(e))
        {
            throw StoreError.From(e, Describe(), folder.Length == 0 ? null : folder);
        }

        return entries;
    }

    private string PathOf(string name)
    {
        ObjectNames.Validate(name);
        return Path.Combine(_root, name);
    }

    /// <summary>
    /// Makes a folder whose name is as durable as the object that is committed in it. Also one that is there already is flushed once: another process may have
    /// made it just now.
    /// </summary>
    private void EnsureDirectory(string directory)
    {
        if (_knownDirectories.ContainsKey(directory))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(directory);
        bool inside = directory.Length > _root.Length;
        bool exists = Directory.Exists(directory);
        if (parent is not null && (inside || !exists))
        {
            EnsureDirectory(parent);
            if (!exists)
            {
                Directory.CreateDirectory(directory, DirectoryMode);
            }

            DurableFile.SyncDirectory(parent);
        }

        // Of two threads that come to it at once, one made it.
        _knownDirectories.AddOrUpdate(directory, !exists, (_, made) => made || !exists);
    }
}
