using Checkpointer.Cli.Tests.Output;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Verbs;

public sealed class ImageVerbTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public async Task Export_writes_the_files_for_their_owner_only()
    {
        await using var repository = await TestRepository.CreateAsync();
        var id = await repository.AddAsync("a", Time);
        using var directory = new TempDirectory();
        using var cli = new TestCli();
        string[] place = ["--repo", repository.Path, "--key-file", repository.KeyFile];

        Directory.CreateDirectory(directory["out"]);
        Assert.Equal(0, await cli.RunAsync(["export", id.ToString(), directory["out"], "--json", .. place]));
        Assert.Equal("snapshot directory files bytes bytesWritten criuArguments".Split(' ').Order(), JsonShapeTests.Names(cli.Json()));

        // The made-up workload of the test is no record of a checkpoint: there is nothing to tell CRIU.
        Assert.Equal(0, cli.Json().GetProperty("criuArguments").GetArrayLength());
        Assert.Equal(2, cli.Json().GetProperty("files").GetInt32());
        var names = Directory.GetFileSystemEntries(directory["out"]).Select(Path.GetFileName).Order();
        Assert.Equal(["checkpointer.json", "inventory.img", "pages-1.img"], names);
        Assert.Equal(new byte[] { 1, 2, 3 }, await File.ReadAllBytesAsync(Path.Combine(directory["out"], "inventory.img"), TestContext.Current.CancellationToken));
        Assert.Equal(TestRepository.PageBytes, new FileInfo(Path.Combine(directory["out"], "pages-1.img")).Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory["out"], "pages-1.img")));
        Assert.Single(Directory.GetFileSystemEntries(directory.Path));
    }

    [Fact]
    public async Task A_directory_that_is_not_empty_is_left_alone()
    {
        await using var repository = await TestRepository.CreateAsync();
        var id = await repository.AddAsync("a", Time);
        using var directory = new TempDirectory();
        using var cli = new TestCli();
        File.WriteAllText(directory["mine"], "x");
        string[] export = ["export", id.ToString(), directory.Path, "--json"];
        Assert.Equal(2, await cli.RunAsync([.. export, "--repo", repository.Path, "--key-file", repository.KeyFile]));
        Assert.Equal("export-not-empty", cli.Json().GetProperty("error").GetProperty("code").GetString());
        Assert.Single(Directory.GetFileSystemEntries(directory.Path));
    }

    [Fact]
    public async Task What_holds_no_images_is_not_imported()
    {
        await using var repository = await TestRepository.CreateAsync();
        using var directory = new TempDirectory();
        using var cli = new TestCli();
        File.WriteAllText(directory["inventory.img"], "nothing of the kind");
        string[] import = ["import", directory.Path, "--json"];
        Assert.Equal(2, await cli.RunAsync([.. import, "--repo", repository.Path, "--key-file", repository.KeyFile]));
        Assert.Equal("not-images", cli.Json().GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(2, await cli.RunAsync("import", directory["none"], "--repo", repository.Path, "--key-file", repository.KeyFile));
        Assert.Equal(0, await cli.RunAsync("list", "--json", "--repo", repository.Path, "--key-file", repository.KeyFile));
        Assert.Empty(cli.Json().GetProperty("snapshots").EnumerateArray());
    }
}
