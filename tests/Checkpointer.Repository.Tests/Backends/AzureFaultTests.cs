using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>What networks and busy services do, between the backend and the emulator; every test proves that its fault struck.</summary>
public sealed class AzureFaultTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const int Block = 32 << 10;

    /// <summary>Longer than a busy machine keeps any request waiting: only tests about limits have smaller ones.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _container = AzuriteFixture.NewContainer();
    private FaultProxy _proxy = null!;
    private AzureBlobBackend _backend = null!;

    private static CancellationToken None => CancellationToken.None;

    public async ValueTask InitializeAsync()
    {
        _proxy = new FaultProxy(azurite.Server.Port);
        _backend = NewBackend(_container, Patience, Patience);
        await _backend.PrepareAsync(None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_backend is not null)
        {
            await _backend.DisposeAsync();
            await _proxy.DisposeAsync();
        }
    }

    /// <summary>Each way of failing once at each kind of request of an upload: the upload succeeds, and what was written is read back.</summary>
    [Theory]
    [InlineData(FaultKind.Drop, "comp=block&", 500, "")]
    [InlineData(FaultKind.Drop, "comp=blocklist", 500, "")]
    [InlineData(FaultKind.LoseAnswer, "comp=block&", 500, "")]
    [InlineData(FaultKind.LoseAnswer, "comp=blocklist", 500, "")]
    [InlineData(FaultKind.FlipRequest, "comp=block&", 500, "")]
    [InlineData(FaultKind.Hang, "comp=block&", 500, "")]
    [InlineData(FaultKind.Delay, "comp=blocklist", 500, "")]
    [InlineData(FaultKind.Answer, "comp=block&", 500, "InternalError")]
    [InlineData(FaultKind.Answer, "comp=block&", 503, "ServerBusy")]
    [InlineData(FaultKind.Answer, "comp=block&", 429, "TooManyRequests")]
    [InlineData(FaultKind.Answer, "comp=blocklist", 500, "OperationTimedOut")]
    [InlineData(FaultKind.Answer, "comp=blocklist", 503, "ServerBusy")]
    public async Task A_large_object_survives(FaultKind kind, string where, int status, string code)
    {
        ProxyFault fault = _proxy.Add(new ProxyFault
        {
            Kind = kind,
            Method = "PUT",
            Contains = where,
            Times = 2,
            Status = status,
            Code = code,
            Delay = TimeSpan.FromSeconds(1),
        });
        await UseForAsync(kind);
        byte[] data = TestRepository.Random((5 * Block) + 100, 1);
        await UploadAsync("packs/aa/1", data);
        Assert.Equal(data, await _backend.TryReadAllAsync("packs/aa/1", data.Length, None));
        Assert.True(fault.Fired > 0);
        Assert.True(kind == FaultKind.Delay || _backend.Repeats >= fault.Fired);
    }

    [Theory]
    [InlineData(FaultKind.Drop)]
    [InlineData(FaultKind.LoseAnswer)]
    [InlineData(FaultKind.FlipRequest)]
    [InlineData(FaultKind.Answer)]
    public async Task A_small_object_survives_and_a_lost_answer_is_known_as_our_own_success(FaultKind kind)
    {
        _proxy.Add(new ProxyFault { Kind = kind, Method = "PUT", Contains = "maps/1" });
        Assert.True(_backend.Put("maps/1", [1, 2, 3], None));
        Assert.Equal([1, 2, 3], await _backend.TryReadAllAsync("maps/1", 10, None));
        Assert.False(_backend.Put("maps/1", [1, 2, 3], None));
        _proxy.VerifyAllFired();
    }

    [Theory]
    [InlineData(409, "BlobAlreadyExists")]
    [InlineData(412, "ConditionNotMet")]
    public async Task A_refusal_for_a_name_that_nobody_has_is_no_success(int status, string code)
    {
        _proxy.Add(new ProxyFault { Kind = FaultKind.Answer, Method = "PUT", Contains = "maps/1", Status = status, Code = code });
        Assert.False(_backend.Put("maps/1", [1], None));
        Assert.Null(await _backend.StatAsync("maps/1", None));
        _proxy.VerifyAllFired();
    }

    [Theory]
    [InlineData(FaultKind.Drop)]
    [InlineData(FaultKind.Hang)]
    [InlineData(FaultKind.Truncate)]
    [InlineData(FaultKind.FlipAnswer)]
    [InlineData(FaultKind.LoseAnswer)]
    [InlineData(FaultKind.Answer)]
    public async Task A_read_arrives_whole_and_unchanged(FaultKind kind)
    {
        byte[] data = TestRepository.Random(300_000, 2);
        await UploadAsync("packs/aa/2", data);
        await UseForAsync(kind);
        _proxy.Add(new ProxyFault { Kind = kind, Method = "GET", Contains = "packs/aa/2", Times = 2, Bytes = 1000, Status = 503, Code = "ServerBusy" });
        byte[] read = new byte[200_000];
        Assert.Equal(read.Length, await _backend.ReadAsync("packs/aa/2", 50_000, read, None));
        Assert.Equal(data[50_000..250_000], read);
        _proxy.VerifyAllFired();
    }

    [Fact]
    public async Task A_range_is_verified_by_the_services_own_checksum_too()
    {
        byte[] data = TestRepository.Random(10_000, 3);
        await UploadAsync("packs/aa/3", data);
        string right = StorageCrc64.Text(data);
        _proxy.Add(new ProxyFault { Kind = FaultKind.Rewrite, Method = "GET", RewriteHead = h => WithChecksum(h, "AAAAAAAAAAA=") });
        _proxy.Add(new ProxyFault { Kind = FaultKind.Rewrite, Method = "GET", RewriteHead = h => WithChecksum(h, right) });
        byte[] read = new byte[10_000];
        Assert.Equal(read.Length, await _backend.ReadAsync("packs/aa/3", 0, read, None));
        Assert.Equal(1, _backend.Repeats);
        _proxy.VerifyAllFired();
    }

    [Fact]
    public async Task Sealed_bytes_are_fetched_without_a_checksum_of_the_service()
    {
        byte[] data = TestRepository.Random(10_000, 5);
        await UploadAsync("packs/aa/5", data);
        _proxy.Add(new ProxyFault { Kind = FaultKind.Rewrite, Method = "GET", RewriteHead = h => WithChecksum(h, "AAAAAAAAAAA=") });
        byte[] read = new byte[10_000];
        Assert.Equal(read.Length, await _backend.ReadSealedAsync("packs/aa/5", 0, read, None));
        Assert.Equal(data, read);
        Assert.Equal(0, _backend.Repeats);
        _proxy.VerifyAllFired();
    }

    [Fact]
    public async Task Another_range_than_was_asked_for_is_not_taken()
    {
        await UploadAsync("packs/aa/4", TestRepository.Random(10_000, 4));
        _proxy.Add(new ProxyFault
        {
            Kind = FaultKind.Rewrite,
            Method = "GET",
            RewriteHead = static h => h.Replace("bytes 10-", "bytes 11-", StringComparison.Ordinal),
        });
        byte[] read = new byte[100];
        Assert.Equal(100, await _backend.ReadAsync("packs/aa/4", 10, read, None));
        Assert.Equal(1, _backend.Repeats);
        _proxy.VerifyAllFired();
    }

    [Fact]
    public async Task A_delete_whose_answer_was_lost_is_done()
    {
        // Whether it was there cannot be told for sure: the HTTP client itself sends a request without a body again when an idle connection breaks.
        _backend.Put("maps/1", [1], None);
        _proxy.Add(new ProxyFault { Kind = FaultKind.LoseAnswer, Method = "DELETE" });
        await _backend.DeleteAsync("maps/1", None);
        Assert.Null(await _backend.StatAsync("maps/1", None));
        _proxy.VerifyAllFired();
    }

    [Fact]
    public async Task A_lease_whose_answer_was_lost_is_ours()
    {
        _proxy.Add(new ProxyFault { Kind = FaultKind.LoseAnswer, Method = "PUT", Contains = "comp=lease", After = 1 });
        await using ILease? lease = await _backend.TryLeaseAsync("locks/maintenance", default, TimeSpan.FromSeconds(15), None);
        Assert.NotNull(lease);
        _proxy.VerifyAllFired();
    }

    [Fact]
    public async Task A_listing_goes_on_where_it_was()
    {
        for (int i = 0; i < 5; i++)
        {
            _backend.Put($"maps/{i}", [1], None);
        }

        _proxy.Add(new ProxyFault { Kind = FaultKind.Truncate, Method = "GET", Contains = "comp=list", Bytes = 50 });
        _proxy.Add(new ProxyFault { Kind = FaultKind.Answer, Method = "GET", Contains = "comp=list", Status = 500 });
        int count = 0;
        await foreach (ObjectInfo info in _backend.ListAsync("maps/", None))
        {
            count++;
        }

        Assert.Equal(5, count);
        _proxy.VerifyAllFired();
    }

    [Theory]
    [InlineData(503, "ServerBusy", RepositoryCodes.StoreBusy)]
    [InlineData(500, "InternalError", RepositoryCodes.StoreFailed)]
    public async Task A_store_that_stays_ill_is_given_up_with_a_remedy(int status, string code, string expected)
    {
        await UseAsync(Patience, giveUpAfter: TimeSpan.FromSeconds(6));
        ProxyFault fault = _proxy.Add(new ProxyFault { Kind = FaultKind.Answer, Method = "PUT", Times = int.MaxValue, Status = status, Code = code });
        RepositoryException e = Assert.Throws<RepositoryException>(() => _backend.Put("maps/1", [1], None));
        Assert.Equal(expected, e.Code);
        Assert.Equal("maps/1", e.ObjectName);
        Assert.NotNull(e.Remedy);
        Assert.True(fault.Fired > 3);
    }

    [Fact]
    public async Task A_store_that_answers_nothing_is_given_up_with_a_remedy()
    {
        await UseAsync(stallTime: TimeSpan.FromSeconds(4), giveUpAfter: TimeSpan.FromSeconds(6));
        ProxyFault fault = _proxy.Add(new ProxyFault { Kind = FaultKind.Hang, Method = "PUT", Times = int.MaxValue });
        RepositoryException e = Assert.Throws<RepositoryException>(() => _backend.Put("maps/1", [1], None));
        Assert.Equal(RepositoryCodes.StoreUnreachable, e.Code);
        Assert.True(fault.Fired > 1);
    }

    [Theory]
    [InlineData(403, "AuthorizationPermissionMismatch", RepositoryCodes.StoreDenied)]
    [InlineData(403, "AuthenticationFailed", RepositoryCodes.StoreCredentials)]
    [InlineData(404, "ContainerNotFound", RepositoryCodes.ContainerNotFound)]
    [InlineData(507, "InsufficientStorage", RepositoryCodes.StoreFull)]
    [InlineData(403, "AccountLimitExceeded", RepositoryCodes.StoreFull)]
    [InlineData(400, "InvalidHeaderValue", RepositoryCodes.StoreFailed)]
    public void A_permanent_refusal_is_told_at_once(int status, string code, string expected)
    {
        ProxyFault fault = _proxy.Add(new ProxyFault { Kind = FaultKind.Answer, Method = "PUT", Times = int.MaxValue, Status = status, Code = code });
        RepositoryException e = Assert.Throws<RepositoryException>(() => _backend.Put("maps/1", [1], None));
        Assert.Equal(expected, e.Code);
        Assert.NotNull(e.Remedy);
        Assert.Equal(1, fault.Fired);
    }

    [Theory]
    [InlineData(-40, "ahead of")]
    [InlineData(40, "behind")]
    public void A_clock_that_is_wrong_is_said_to_be_so(int minutes, string words)
    {
        _proxy.Add(new ProxyFault
        {
            Kind = FaultKind.Answer,
            Method = "PUT",
            Status = 403,
            Code = "AuthenticationFailed",
            Date = TimeProvider.System.GetUtcNow().AddMinutes(minutes),
        });
        RepositoryException e = Assert.Throws<RepositoryException>(() => _backend.Put("maps/1", [1], None));
        Assert.Equal(RepositoryCodes.ClockDrift, e.Code);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
        _proxy.VerifyAllFired();
    }

    [Fact]
    public async Task A_cancelled_upload_ends_though_the_store_hangs()
    {
        ProxyFault fault = _proxy.Add(new ProxyFault { Kind = FaultKind.Hang, Method = "PUT", Times = int.MaxValue });
        await UseAsync(stallTime: 10 * Patience, giveUpAfter: 10 * Patience);
        using CancellationTokenSource cancel = new();
        Task upload = Task.Run(() => _backend.Put("maps/1", [1], cancel.Token));
        Assert.True(await Task.Run(() => SpinWait.SpinUntil(() => fault.Fired > 0 || upload.IsCompleted, Patience)), "the store was never asked");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => upload.WaitAsync(Patience));
        _proxy.VerifyAllFired();
    }

    private static string WithChecksum(string head, string checksum) =>
        head.Replace("\r\n\r\n", $"\r\nx-ms-content-crc64: {checksum}\r\n\r\n", StringComparison.Ordinal);

    private AzureBlobBackend NewBackend(string container, TimeSpan stallTime, TimeSpan giveUpAfter)
    {
        AzureOptions options = new()
        {
            BlockBytes = Block,
            Lanes = 3,
            FirstPause = TimeSpan.FromMilliseconds(20),
            MaxPause = TimeSpan.FromMilliseconds(200),
            GiveUpAfter = giveUpAfter,
            StallTime = stallTime,
        };
        return new AzureBlobBackend(AzureUrl.Parse($"azurite://127.0.0.1:{_proxy.Port}/{container}", options.Environment), options);
    }

    /// <summary>A request that hangs is waited for shortly; one that is late by the machine's load is tried again for long.</summary>
    private Task UseForAsync(FaultKind kind) => kind == FaultKind.Hang ? UseAsync(stallTime: TimeSpan.FromSeconds(2), Patience) : Task.CompletedTask;

    /// <summary>The same container, with other limits.</summary>
    private async Task UseAsync(TimeSpan stallTime, TimeSpan giveUpAfter)
    {
        await _backend.DisposeAsync();
        _backend = NewBackend(_container, stallTime, giveUpAfter);
    }

    private Task UploadAsync(string name, byte[] data) => Task.Run(() =>
    {
        using IObjectUpload upload = _backend.BeginPut(name, None);
        upload.Append(data);
        Assert.True(upload.Commit());
    });
}
