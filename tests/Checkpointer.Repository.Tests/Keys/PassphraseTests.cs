using System.Text;
using System.Text.Json.Nodes;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

[Collection(Alone.Name)]
public sealed class PassphraseTests : IDisposable
{
    private const string Words = "correct horse battery";
    private readonly TemporaryDirectory _directory = new();
    private readonly MemoryBackend _backend = new();

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task A_repository_is_made_and_opened_with_a_passphrase_alone()
    {
        CheckpointRepository made = await CheckpointRepository.InitAsync(_backend, Words_("test"), None);
        KeyInfo key = Assert.Single(await made.ListKeysAsync(None));
        Assert.Equal((KeyKind.Passphrase, KeyWrapping.Iterations, true), (key.Kind, key.Iterations, key.InUse));
        Assert.Equal(made.Id, (await CheckpointRepository.OpenAsync(_backend, Words_("again"), None)).Id);
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(
            () => CheckpointRepository.OpenAsync(_backend, Passphrase.FromText("something else entirely", "test"), None));
        Assert.Equal(RepositoryCodes.WrongKey, e.Code);
        Assert.DoesNotContain("something else", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_can_be_added_beside_a_key_file_and_take_its_place()
    {
        CheckpointRepository made = await CheckpointRepository.InitAsync(_backend, KeyFile.LoadOrCreate(At("k")), None);
        (KeyInfo added, bool isNew) = await made.AddKeyAsync(Words_("x"), "safe", TimeProvider.System, None);
        Assert.True(isNew);
        Assert.False((await made.AddKeyAsync(Words_("y"), null, TimeProvider.System, None)).Added);
        CheckpointRepository opened = await CheckpointRepository.OpenAsync(_backend, Words_("z"), None);
        Assert.Equal(added.Id, opened.KeyId);
        await opened.RemoveKeyAsync(made.KeyId, force: false, None);
        Assert.Equal("safe", Assert.Single(await opened.ListKeysAsync(None)).Label);
    }

    [Fact]
    public async Task An_interrupted_init_with_a_passphrase_is_finished_by_the_next()
    {
        CheckpointRepository made = await CheckpointRepository.InitAsync(_backend, Words_("x"), None);
        _backend.Remove(ObjectNames.Repository);
        Assert.Equal(made.Id, (await CheckpointRepository.InitAsync(_backend, Words_("x"), None)).Id);
        Assert.Single(_backend.Names, n => n.StartsWith("keys/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(599_999)]
    [InlineData(10_000_001)]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    public async Task Rounds_out_of_bounds_are_not_computed(int iterations)
    {
        TimeSpan once = await WorkAsync(() => CheckpointRepository.InitAsync(_backend, Words_("x"), None));
        string name = _backend.Names.Single(n => n.StartsWith("keys/", StringComparison.Ordinal));
        JsonNode json = JsonNode.Parse(_backend[name])!;
        json["iterations"] = iterations;
        _backend[name] = Encoding.UTF8.GetBytes(json.ToJsonString());
        TimeSpan refused = await WorkAsync(async () =>
        {
            RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => CheckpointRepository.OpenAsync(_backend, Words_("x"), None));
            Assert.Equal(RepositoryCodes.WrongKey, e.Code);
        });
        Assert.True(refused < once / 2, $"{refused} was spent on a refusal, and {once} on the rounds of a new key");
    }

    [Fact]
    public async Task Many_costly_objects_of_a_hostile_store_are_given_up()
    {
        CheckpointRepository made = null!;
        TimeSpan once = await WorkAsync(async () => made = await CheckpointRepository.InitAsync(_backend, Words_("x"), None));
        JsonNode json = JsonNode.Parse(_backend[ObjectNames.Key(made.KeyId)])!;
        for (int i = 1; i <= 60; i++)
        {
            string id = i.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
            json["passphrase"] = id;
            json["iterations"] = KeyWrapping.MaxIterations;
            _backend[ObjectNames.Key(id)] = Encoding.UTF8.GetBytes(json.ToJsonString());
        }

        // Ours is tried first, although its name comes last.
        KeyStore store = new(_backend, maxTriedIterations: 2 * KeyWrapping.Iterations);
        Assert.NotNull(await store.TryOpenAsync(Words_("x"), None));
        _backend.Remove(ObjectNames.Key(made.KeyId));
        TimeSpan refused = await WorkAsync(async () =>
        {
            RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => store.TryOpenAsync(Words_("x"), None));
            Assert.Contains("more work than this program spends", e.Message, StringComparison.Ordinal);
        });
        Assert.True(refused < once, $"{refused} was spent on a refusal, and {once} on a key with a sixteenth of one's rounds");
        Assert.True(KeyStore.MaxKeys * KeyWrapping.Iterations <= KeyStore.MaxTriedIterations);
    }

    [Theory]
    [InlineData("correct horse battery\n")]
    [InlineData("correct horse battery\r\n")]
    [InlineData("\uFEFFcorrect horse battery")]
    public void The_end_of_the_line_does_not_belong_to_it(string text)
    {
        File.WriteAllText(At("p"), text, new UTF8Encoding(false));
        Assert.Equal(Words, Encoding.UTF8.GetString(Passphrase.Load(At("p")).Bytes));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("two\nlines of it")]
    [InlineData("a\0b")]
    [InlineData("""{"format":"checkpointer-key-file","version":1}""")]
    public void What_is_no_passphrase_is_refused_and_not_quoted(string text)
    {
        File.WriteAllText(At("p"), text);
        RepositoryException e = Assert.Throws<RepositoryException>(() => Passphrase.Load(At("p")));
        Assert.Equal(RepositoryCodes.PassphraseInvalid, e.Code);
        Assert.DoesNotContain("lines of it", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_is_no_passphrase_file_and_no_matter_of_privileges()
    {
        RepositoryException e = Assert.Throws<RepositoryException>(() => Passphrase.Load(_directory.Path));
        Assert.Equal(RepositoryCodes.PassphraseInvalid, e.Code);
        Assert.Contains("it is a directory", e.Message, StringComparison.Ordinal);
        Assert.IsNotType<UnauthorizedAccessException>(e.InnerException);
    }

    [Fact]
    public void A_missing_or_huge_file_is_told()
    {
        Assert.Equal(RepositoryCodes.PassphraseFileNotFound, Assert.Throws<RepositoryException>(() => Passphrase.Load(At("none"))).Code);
        using (FileStream huge = File.Create(At("huge")))
        {
            huge.SetLength(1L << 40);
        }

        Assert.Equal(RepositoryCodes.PassphraseInvalid, Assert.Throws<RepositoryException>(() => Passphrase.Load(At("huge"))).Code);
    }

    [Fact]
    public async Task A_short_one_is_not_given_to_a_repository()
    {
        UsageException e = await Assert.ThrowsAsync<UsageException>(() => CheckpointRepository.InitAsync(_backend, Passphrase.FromText("elevenchars", "x"), None));
        Assert.Equal("passphrase-short", e.Code);
        Assert.Empty(_backend.Names);
    }

    [Fact]
    public void A_reference_names_either_kind_and_keeps_its_text()
    {
        File.WriteAllText(At("p"), Words);
        KeyFile.LoadOrCreate(At("k"));
        Assert.IsType<Passphrase>(KeyReference.Parse($"passphrase-file:{At("p")}").Load());
        Assert.IsType<KeyFile>(KeyReference.Parse(At("k")).Load());
        Assert.Equal("passphrase-file:/a/b", KeyReference.Parse("passphrase-file:/a/b").Absolute().ToString());
        Assert.True(KeyReference.Parse("relative").Absolute().IsAbsolute);
        Assert.False(KeyReference.Parse("passphrase-file:relative").IsAbsolute);
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>Processor time of this process, in which nothing else runs meanwhile: no other process's load is in it.</summary>
    private static async Task<TimeSpan> WorkAsync(Func<Task> work)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        await work();
        TimeSpan spent = Environment.CpuUsage.TotalTime - before;
        TestContext.Current.TestOutputHelper!.WriteLine($"{spent.TotalMilliseconds} ms of processor time");
        return spent;
    }

    private static Passphrase Words_(string source) => Passphrase.FromText(Words, source);

    private string At(string name) => Path.Combine(_directory.Path, name);
}
