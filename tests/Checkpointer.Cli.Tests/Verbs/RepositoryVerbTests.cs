using System.Text.Json;
using Checkpointer.Cli.Tests.Output;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Verbs;

/// <summary>The verbs that work on a repository, against a real one in a temporary directory.</summary>
public sealed class RepositoryVerbTests
{
    private static readonly DateTimeOffset Created = new(2026, 11, 26, 10, 41, 3, TimeSpan.Zero);

    [Fact]
    public async Task List_shows_every_snapshot_oldest_first()
    {
        await using var repository = await TestRepository.CreateAsync();
        var first = await repository.AddAsync("training", Created);
        var second = await repository.AddAsync("training", Created.AddHours(1), first, "running");
        await repository.MarkSupersededAsync(first);
        using var cli = Cli(repository);

        Assert.Equal(0, await cli.RunAsync("list"));
        Assert.Equal(3, cli.OutLines.Length);
        Assert.Equal(["SNAPSHOT", "NAME", "CREATED", "NODE", "CAPTURED", "STORED", "STATE"], Split(cli.OutLines[0]));
        var rows = cli.OutLines[1..].Select(Split).ToArray();
        Assert.Equal([first.ToString(), "training", "2026-11-26", "10:41:03Z", "node-a", "1", "MiB"], rows[0][..7]);
        Assert.Equal("superseded", rows[0][^1]);
        Assert.Equal(second.ToString(), rows[1][0]);
        Assert.Equal("running", rows[1][^1]);
    }

    [Fact]
    public async Task List_has_the_fields_of_the_contract()
    {
        await using var repository = await TestRepository.CreateAsync();
        var id = await repository.AddAsync("training", Created);
        using var cli = Cli(repository);

        Assert.Equal(0, await cli.RunAsync("list", "--json"));
        Assert.Equal(["snapshots"], JsonShapeTests.Names(cli.Json()));
        var snapshot = Assert.Single(cli.Json().GetProperty("snapshots").EnumerateArray());
        Assert.Equal(
            "snapshot lineage generation name created node bytesCaptured bytesStored intent superseded labels damage".Split(' ').Order(),
            JsonShapeTests.Names(snapshot));
        Assert.Equal(id.ToString(), snapshot.GetProperty("snapshot").GetString());
        Assert.Equal(id.Lineage.ToString(), snapshot.GetProperty("lineage").GetString());
        Assert.Equal(1, snapshot.GetProperty("generation").GetInt64());
        Assert.Equal("training", snapshot.GetProperty("name").GetString());
        Assert.Equal(Created, snapshot.GetProperty("created").GetDateTimeOffset());
        Assert.Equal("node-a", snapshot.GetProperty("node").GetString());
        Assert.Equal(TestRepository.PageBytes + 3, snapshot.GetProperty("bytesCaptured").GetInt64());
        Assert.True(snapshot.GetProperty("bytesStored").GetInt64() > TestRepository.PageBytes);
        Assert.Equal("final", snapshot.GetProperty("intent").GetString());
        Assert.False(snapshot.GetProperty("superseded").GetBoolean());
        Assert.Equal("vision", snapshot.GetProperty("labels").GetProperty("team").GetString());
    }

    [Fact]
    public async Task An_empty_repository_lists_nothing_and_says_so()
    {
        await using var repository = await TestRepository.CreateAsync();
        using var cli = Cli(repository);
        Assert.Equal(0, await cli.RunAsync("list"));
        Assert.Equal("", cli.Out);
        Assert.StartsWith("no snapshots in ", cli.Err, StringComparison.Ordinal);
        await cli.RunAsync("list", "--json");
        Assert.Equal(0, cli.Json().GetProperty("snapshots").GetArrayLength());
    }

    [Fact]
    public async Task A_damaged_snapshot_is_listed_as_such()
    {
        await using var repository = await TestRepository.CreateAsync();
        await repository.AddAsync("training", Created);
        Flip(Assert.Single(repository.Files("snapshots")));
        using var cli = Cli(repository);

        Assert.Equal(0, await cli.RunAsync("list"));
        Assert.EndsWith("damaged", cli.OutLines[1], StringComparison.Ordinal);
        await cli.RunAsync("list", "--json");
        var snapshot = cli.Json().GetProperty("snapshots")[0];
        Assert.Equal(JsonValueKind.String, snapshot.GetProperty("damage").ValueKind);
        Assert.Equal(JsonValueKind.Null, snapshot.GetProperty("created").ValueKind);
    }

    [Fact]
    public async Task Show_takes_the_beginning_of_an_id()
    {
        await using var repository = await TestRepository.CreateAsync();
        var first = await repository.AddAsync("training", Created);
        var second = await repository.AddAsync("training", Created.AddHours(1), first);
        using var cli = Cli(repository);

        Assert.Equal(0, await cli.RunAsync("show", second.ToString()));
        Assert.Equal($"snapshot  {second}", cli.OutLines[0]);
        Assert.Contains($"parent    {first}", cli.OutLines);
        Assert.Contains("labels    team=vision", cli.OutLines);
        Assert.Contains(cli.OutLines, line => line.StartsWith("pages-1.img", StringComparison.Ordinal));

        // Both generations begin so.
        Assert.Equal(4, await cli.RunAsync("show", second.ToString()[..8]));
        Assert.Equal(4, await cli.RunAsync("show", "ffffffff"));
    }

    [Fact]
    public async Task Show_has_its_fields()
    {
        await using var repository = await TestRepository.CreateAsync();
        var id = await repository.AddAsync("training", Created);
        using var cli = Cli(repository);

        Assert.Equal(0, await cli.RunAsync("show", id.ToString()[..8], "--json"));
        var json = cli.Json();
        Assert.Equal(
            ("snapshot lineage generation name created node bytesCaptured bytesStored intent superseded labels damage "
                + "parent parentDigest digest files workload").Split(' ').Order(),
            JsonShapeTests.Names(json));
        var pages = json.GetProperty("files").EnumerateArray().Single(file => file.GetProperty("name").GetString() == "pages-1.img");
        Assert.Equal("pages", pages.GetProperty("kind").GetString());
        Assert.Equal(TestRepository.PageBytes, pages.GetProperty("length").GetInt64());
        Assert.Equal("x64", json.GetProperty("workload").GetProperty("requirement").GetProperty("architecture").GetString());
    }

    [Fact]
    public async Task Delete_deletes_one_snapshot_and_no_other()
    {
        await using var repository = await TestRepository.CreateAsync();
        var first = await repository.AddAsync("a", Created);
        var second = await repository.AddAsync("b", Created);
        using var cli = Cli(repository);

        Assert.Equal(0, await cli.RunAsync("delete", first.ToString()));
        Assert.Equal([$"deleted {first}"], cli.OutLines);
        await cli.RunAsync("list", "--json");
        Assert.Equal(
            second.ToString(), Assert.Single(cli.Json().GetProperty("snapshots").EnumerateArray()).GetProperty("snapshot").GetString());
        Assert.Equal(4, await cli.RunAsync("delete", first.ToString()));
        Assert.Equal(0, await cli.RunAsync("delete", second.ToString(), "--json"));
        Assert.Equal("deleted snapshot".Split(' '), JsonShapeTests.Names(cli.Json()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_sound_repository_passes_the_check(bool data)
    {
        await using var repository = await TestRepository.CreateAsync();
        await repository.AddAsync("training", Created);
        using var cli = Cli(repository);

        string[] arguments = data ? ["check", "--data"] : ["check"];
        Assert.Equal(0, await cli.RunAsync(arguments));
        Assert.StartsWith("sound: 1 snapshot, 1 pack", cli.OutLines[^1], StringComparison.Ordinal);
        Assert.Equal(0, await cli.RunAsync([.. arguments, "--json"]));
        Assert.Equal(
            "damaged depth samplePercent seed snapshots packs bytesChecked findings".Split(' ').Order(), JsonShapeTests.Names(cli.Json()));
        Assert.False(cli.Json().GetProperty("damaged").GetBoolean());
    }

    [Fact]
    public async Task A_flipped_byte_in_a_pack_is_found_by_reading_the_data()
    {
        await using var repository = await TestRepository.CreateAsync();
        await repository.AddAsync("training", Created);
        var pack = Assert.Single(repository.Files("packs"));
        Flip(pack);
        using var cli = Cli(repository);

        Assert.Equal(4, await cli.RunAsync("check", "--data"));
        Assert.StartsWith("DAMAGED: ", cli.OutLines[^1], StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(pack), cli.Out, StringComparison.Ordinal);
        Assert.Equal(4, await cli.RunAsync("check", "--data", "--json"));
        Assert.True(cli.Json().GetProperty("damaged").GetBoolean());
        Assert.Equal(
            "code severity subject found needed remedy snapshots".Split(' ').Order(), JsonShapeTests.Names(cli.Json().GetProperty("findings")[0]));
    }

    [Fact]
    public async Task A_missing_pack_is_found_without_reading_the_data()
    {
        await using var repository = await TestRepository.CreateAsync();
        await repository.AddAsync("training", Created);
        File.Delete(Assert.Single(repository.Files("packs")));
        using var cli = Cli(repository);
        Assert.Equal(4, await cli.RunAsync("check"));
    }

    [Fact]
    public async Task A_wrong_key_is_refused()
    {
        await using var repository = await TestRepository.CreateAsync();
        await using var other = await TestRepository.CreateAsync();
        using var cli = new TestCli();
        Assert.Equal(4, await cli.RunAsync("list", "--repo", repository.Path, "--key-file", other.KeyFile, "--json"));
        Assert.Equal("wrong-key", cli.Json().GetProperty("error").GetProperty("code").GetString());
    }

    private static TestCli Cli(TestRepository repository)
    {
        var cli = new TestCli { IsRoot = false };
        cli.Environment["CHECKPOINTER_REPO"] = repository.Path;
        cli.Environment["CHECKPOINTER_KEY_FILE"] = repository.KeyFile;
        return cli;
    }

    private static string[] Split(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static void Flip(string file)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.SetAttributes(file, FileAttributes.Normal);
        File.WriteAllBytes(file, bytes);
    }
}
