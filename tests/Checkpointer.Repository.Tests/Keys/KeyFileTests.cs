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
    public void A_huge_file_is_not_read()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyPath)!);
        using (FileStream stream = File.Create(KeyPath))
        {
            stream.SetLength(1L << 40);
        }

        Assert.Equal(RepositoryCodes.KeyFileInvalid, Assert.Throws<RepositoryException>(() => KeyFile.Load(KeyPath)).Code);
    }

    public void Dispose() => _directory.Dispose();
}
