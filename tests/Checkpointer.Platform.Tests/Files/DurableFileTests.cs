namespace Checkpointer.Platform.Tests;

public sealed class DurableFileTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string Path => _directory["file"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_file_is_created_with_its_mode_and_replaced_whole()
    {
        Assert.True(DurableFile.Create(Path, "first"u8, createOnly: false));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
        Assert.True(DurableFile.Create(Path, "2"u8, createOnly: false));
        Assert.Equal("2", File.ReadAllText(Path));
        Assert.Equal([Path], Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public void Create_only_keeps_what_is_there()
    {
        Assert.True(DurableFile.Create(Path, "first"u8, createOnly: true));
        Assert.False(DurableFile.Create(Path, "second"u8, createOnly: true));
        Assert.Equal("first", File.ReadAllText(Path));
        Assert.Equal([Path], Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public async Task Of_many_creators_exactly_one_wins_and_its_bytes_are_there()
    {
        const int Writers = 16;
        using Barrier start = new(Writers);
        bool[] won = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Factory.StartNew(
            () =>
            {
                byte[] bytes = new byte[10_000];
                Array.Fill(bytes, (byte)writer);
                start.SignalAndWait(TimeSpan.FromSeconds(60));
                return DurableFile.Create(Path, bytes, createOnly: true);
            },
            TaskCreationOptions.LongRunning)));
        int winner = Assert.Single(Enumerable.Range(0, Writers), writer => won[writer]);
        byte[] stored = File.ReadAllBytes(Path);
        Assert.Equal(10_000, stored.Length);
        Assert.All(stored, value => Assert.Equal(winner, value));
        Assert.Equal([Path], Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public void A_temporary_file_is_published_or_gone()
    {
        string temporary = DurableFile.TemporaryPathFor(Path);
        Assert.StartsWith(DurableFile.TemporaryPrefix, System.IO.Path.GetFileName(temporary), StringComparison.Ordinal);
        File.WriteAllText(temporary, "pack");
        Assert.True(DurableFile.Publish(temporary, Path, createOnly: true));
        File.WriteAllText(temporary, "other");
        Assert.False(DurableFile.Publish(temporary, Path, createOnly: true));
        Assert.Equal("pack", File.ReadAllText(Path));
        Assert.False(File.Exists(temporary));
    }

    [Fact]
    public void A_failure_leaves_no_temporary_file()
    {
        Directory.CreateDirectory(System.IO.Path.Combine(Path, "full"));
        Assert.Throws<PlatformException>(() => DurableFile.Create(Path, "x"u8, createOnly: false));
        Assert.Equal([Path], Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public void Deleting_says_whether_there_was_something()
    {
        DurableFile.Create(Path, "x"u8, createOnly: true);
        Assert.True(DurableFile.Delete(Path));
        Assert.False(DurableFile.Delete(Path));
    }
}
