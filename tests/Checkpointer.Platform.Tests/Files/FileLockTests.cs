namespace Checkpointer.Platform.Tests;

public sealed class FileLockTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string Path => _directory["lock"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_lock_excludes_and_ends_with_dispose()
    {
        using (FileLock? first = FileLock.TryTake(Path))
        {
            Assert.NotNull(first);
            Assert.Null(FileLock.TryTake(Path));
        }

        using FileLock? second = FileLock.TryTake(Path);
        Assert.NotNull(second);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public void Another_process_is_excluded_by_us()
    {
        using FileLock? ours = FileLock.TryTake(Path);
        Assert.NotNull(ours);
        using Child other = Child.Start("flock", "--nonblock", "--conflict-exit-code", "77", Path, "true");
        Assert.Equal(77, other.WaitForExit());
    }

    [Fact]
    public void We_are_excluded_by_another_process_until_it_is_killed()
    {
        using Child other = Child.Start("flock", "--no-fork", Path, "sleep", "60");
        Eventually.True(() => IsTaken(Path), "the other process has the lock");
        other.Kill();
        using FileLock? ours = FileLock.TryTake(Path);
        Assert.NotNull(ours);
    }

    [Fact]
    public void A_child_does_not_inherit_the_lock()
    {
        FileLock? first = FileLock.TryTake(Path);
        using Child child = Child.Sleeping();
        first!.Dispose();
        using FileLock? second = FileLock.TryTake(Path);
        Assert.NotNull(second);
    }

    [Fact]
    public void A_deleted_lock_file_gives_way_to_a_new_one()
    {
        FileLock.TryTake(Path)!.DeleteAndDispose();
        Assert.False(File.Exists(Path));
        using FileLock? again = FileLock.TryTake(Path);
        Assert.NotNull(again);
    }

    [Fact]
    public async Task Taking_and_deleting_at_once_never_gives_two_owners()
    {
        int owners = 0;
        int taken = 0;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (int round = 0; round < 300; round++)
                {
                    if (FileLock.TryTake(Path) is { } held)
                    {
                        Assert.Equal(1, Interlocked.Increment(ref owners));
                        Interlocked.Increment(ref taken);
                        Thread.Yield();
                        Interlocked.Decrement(ref owners);
                        held.DeleteAndDispose();
                    }
                }
            },
            TaskCreationOptions.LongRunning)));
        Assert.True(taken > 0);
    }

    [Fact]
    public void A_symbolic_link_is_not_followed()
    {
        File.CreateSymbolicLink(Path, _directory["elsewhere"]);
        Assert.Equal(Errno.ELOOP, Assert.Throws<PlatformException>(() => FileLock.TryTake(Path)).Errno);
        Assert.False(File.Exists(_directory["elsewhere"]));
    }

    private static bool IsTaken(string path)
    {
        using FileLock? probe = FileLock.TryTake(path);
        return probe is null;
    }
}
