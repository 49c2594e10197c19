using Checkpointer.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>The self-test of a store: finds the good ones good, finds each broken promise, and leaves nothing.</summary>
public sealed class StoreValidationTests(AzuriteFixture azurite)
{
    private const long Bytes = 4 << 20;

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task A_directory_passes_and_is_left_clean()
    {
        using TemporaryDirectory directory = new();
        string place = Path.Combine(directory.Path, "place");
        Directory.CreateDirectory(place);
        await using DirectoryBackend backend = new(place);
        await PassesAsync(backend);
        Assert.Empty(Directory.GetFileSystemEntries(place));
    }

    [Fact]
    public async Task A_directory_that_was_not_there_is_not_there_afterwards()
    {
        using TemporaryDirectory directory = new();
        await using DirectoryBackend backend = new(Path.Combine(directory.Path, "new", "place"));
        await PassesAsync(backend);
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path));
    }

    [Fact]
    public async Task A_repository_in_the_directory_is_left_as_it_is_with_its_empty_folders_and_leases()
    {
        using TemporaryDirectory directory = new();
        string place = Path.Combine(directory.Path, "place");
        Directory.CreateDirectory(Path.Combine(place, "locks", "writers"));
        Directory.CreateDirectory(Path.Combine(place, "packs"));
        await using DirectoryBackend owner = new(place);
        await using (await owner.TryLeaseAsync("locks/roots", default, TimeSpan.FromSeconds(60), None))
        {
            string[] before = Entries(place);
            Assert.Contains(before, e => Path.GetFileName(e).StartsWith(".lease-roots", StringComparison.Ordinal));
            await using DirectoryBackend visitor = new(place);
            Assert.True((await RunAsync(visitor)).Passed);
            Assert.Equal(before, Entries(place));
        }
    }

    [Fact]
    public async Task A_failed_run_leaves_nothing_either()
    {
        using TemporaryDirectory directory = new();
        string place = Path.Combine(directory.Path, "place");
        await using DirectoryBackend backend = new(place);
        FaultBackend faults = new(backend) { CorruptRead = static (_, _, data) => data.Span[..Math.Min(1, data.Length)].Clear() };
        Assert.False((await RunAsync(faults)).Passed);
        Assert.False(Directory.Exists(place));
    }

    [Fact]
    public async Task The_emulator_passes_and_is_left_clean()
    {
        string url = azurite.Server.Url(AzuriteFixture.NewContainer());
        await using IBackend backend = RepositoryUrl.Open(url);
        await backend.PrepareAsync(None);
        await PassesAsync(backend);
    }

    [Fact]
    public async Task A_store_that_cannot_be_used_at_all_is_an_error()
    {
        await using IBackend backend = RepositoryUrl.Open(azurite.Server.Url(AzuriteFixture.NewContainer()));
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => RunAsync(backend));
        Assert.Equal(RepositoryCodes.ContainerNotFound, e.Code);
    }

    [Fact]
    public async Task Overwriting_is_found()
    {
        MemoryBackend memory = new();
        ValidationReport report = await RunAsync(new Overwriting(memory));
        Assert.False(report.Passed);
        Assert.Equal(["create-only", "create-race"], report.Checks.Where(c => !c.Passed).Select(c => c.Name));
        Assert.All(report.Checks.Where(c => !c.Passed), c => Assert.NotNull(c.Remedy));
        Assert.Empty(memory.Names);
    }

    [Fact]
    public async Task Wrong_bytes_are_found()
    {
        MemoryBackend memory = new();
        FaultBackend faults = new(memory) { CorruptRead = static (_, _, data) => data.Span[..Math.Min(1, data.Length)].Clear() };
        ValidationReport report = await RunAsync(faults);
        Assert.Contains(report.Checks, c => c is { Name: "ranges", Passed: false });
        Assert.True(faults.Fired > 0);
        Assert.Empty(memory.Names);
    }

    [Theory]
    [InlineData(-10)]
    [InlineData(10)]
    public async Task A_clock_that_drifts_is_found(int minutes)
    {
        MemoryBackend memory = new() { Time = new FakeTimeProvider(DateTimeOffset.UtcNow.AddMinutes(minutes)) };
        ValidationReport report = await RunAsync(memory);
        Assert.Equal("clock", Assert.Single(report.Checks, c => !c.Passed).Name);
        Assert.InRange(report.ClockDriftSeconds!.Value, (-minutes * 60) - 60, (-minutes * 60) + 60);
    }

    private static string[] Entries(string place) => [.. Directory.EnumerateFileSystemEntries(place, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static Task<ValidationReport> RunAsync(IBackend backend) => StoreValidation.RunAsync(backend, Bytes, TimeProvider.System, null, None);

    private static async Task PassesAsync(IBackend backend)
    {
        ValidationReport report = await RunAsync(backend);
        Assert.True(report.Passed, string.Join('\n', report.Checks.Where(c => !c.Passed)));
        Assert.Equal(10, report.Checks.Count);
        Assert.True(report.UploadBytesPerSecond > 0 && report.DownloadBytesPerSecond > 0);
        await foreach (ObjectInfo left in backend.ListAsync("", None))
        {
            Assert.Fail(left.Name);
        }
    }

    /// <summary>A store without conditional writes.</summary>
    private sealed class Overwriting(MemoryBackend memory) : Forwarding(memory)
    {
        public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken) => new Upload(memory, name);

        private sealed class Upload(MemoryBackend memory, string name) : IObjectUpload
        {
            private byte[] _data = [];

            public void Append(ReadOnlySpan<byte> data) => _data = [.. _data, .. data];

            public bool Commit()
            {
                memory[name] = _data;
                return true;
            }

            public void Dispose()
            {
            }
        }
    }
}
