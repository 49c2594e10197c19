namespace Checkpointer.Repository.Tests;

public sealed class KeyFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string KeyPath => Path.Combine(_directory.Path, "etc", "repository.key");

    [Fact]
    public void Is_made_for_its_owner_only_and_found_again()
    {
        KeyFile made = KeyFile.LoadOrCreate(KeyPath);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
        byte[] bytes = File.ReadAllBytes(KeyPath);
        Assert.Equal(made.Id, KeyFile.LoadOrCreate(KeyPath).Id);
        Assert.Equal(made.Id, KeyFile.Load(KeyPath).Id);
        Assert.Equal(bytes, File.ReadAllBytes(KeyPath));
    }

    [Fact]
    public async Task Racing_makers_end_with_one_key()
    {
        KeyFile[] keys = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => KeyFile.LoadOrCreate(KeyPath))));
        Assert.Single(keys.Select(k => k.Id).Distinct());
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(KeyPath)!));
    }

    [Fact]
    public void A_missing_one_is_told_with_a_remedy()
    {
        RepositoryException e = Assert.Throws<RepositoryException>(() => KeyFile.Load(KeyPath));
        Assert.Equal(RepositoryCodes.KeyFileNotFound, e.Code);
        Assert.Contains(KeyPath, e.Message, StringComparison.Ordinal);
        Assert.NotNull(e.Remedy);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"format":"other","version":1}""")]
    [InlineData("""{"format":"checkpointer-key-file","version":2,"id":"00000000000000000000000000000001","secret":"00"}""")]
    [InlineData("""{"format":"checkpointer-key-file","version":1,"id":"1","secret":"5ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4e70000"}""")]
    public void An_invalid_one_is_refused_kept_and_not_quoted(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyPath)!);
        File.WriteAllText(KeyPath, text);
        RepositoryException e = Assert.Throws<RepositoryException>(() => KeyFile.LoadOrCreate(KeyPath));
        Assert.Equal(RepositoryCodes.KeyFileInvalid, e.Code);
        Assert.DoesNotContain("5ec4e7", e.ToString(), StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(KeyPath));
    }

    [Fact]
    public void A_directory_is_no_key_file_and_no_matter_of_privileges()
    {
        Directory.CreateDirectory(KeyPath);
        foreach (Func<string, KeyFile> load in new Func<string, KeyFile>[] { KeyFile.Load, KeyFile.LoadOrCreate })
        {
            RepositoryException e = Assert.Throws<RepositoryException>(() => load(KeyPath));
            Assert.Equal(RepositoryCodes.KeyFileInvalid, e.Code);
            Assert.Contains("it is a directory", e.Message, StringComparison.Ordinal);
            Assert.IsNotType<UnauthorizedAccessException>(e.InnerException);
        }

        Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(KeyPath)!));
    }

    [Fact]
    public void A_huge_file_is_not_read()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyPath)!);
        using (FileStream stream = File.Create(KeyPath))
        {
            stream.SetLength(1L << 40);
        }

        Assert.Equal(RepositoryCodes.KeyFileInvalid, Assert.Throws<RepositoryException>(() => KeyFile.Load(KeyPath)).Code);
    }

    [Fact]
    public void The_mounts_of_a_secret_store_are_fine()
    {
        // As Kubernetes does it: a link to a link into a folder, read-only, with a line feed at the end that an editor left.
        string real = Path.Combine(_directory.Path, "..data-1", "key");
        KeyFile made = KeyFile.LoadOrCreate(real);
        File.AppendAllText(real, "\r\n");
        File.SetUnixFileMode(real, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        File.CreateSymbolicLink(Path.Combine(_directory.Path, "..data"), "..data-1");
        string link = Path.Combine(_directory.Path, "repository.key");
        File.CreateSymbolicLink(link, Path.Combine("..data", "key"));
        KeyFile found = KeyFile.LoadOrCreate(link);
        Assert.Equal(made.Id, found.Id);
        Assert.Null(found.Warning);
    }

    [Fact]
    public void One_that_everybody_reads_is_warned_of_and_one_that_everybody_writes_is_refused()
    {
        KeyFile.LoadOrCreate(KeyPath);
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        Assert.Contains("0600", KeyFile.Load(KeyPath).Warning, StringComparison.Ordinal);
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        RepositoryException e = Assert.Throws<RepositoryException>(() => KeyFile.Load(KeyPath));
        Assert.Equal(RepositoryCodes.KeyFileInvalid, e.Code);
        Assert.Contains("anybody may write it", e.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _directory.Dispose();
}
