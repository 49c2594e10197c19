using System.Text;
using System.Text.Json.Nodes;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

public sealed class KeyRotationTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly MemoryBackend _backend = new();

    private static CancellationToken None => CancellationToken.None;

    private static TimeProvider Time => TimeProvider.System;

    [Fact]
    public async Task An_added_key_opens_the_repository_and_the_old_one_still_does()
    {
        CheckpointRepository a = await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        (KeyInfo added, bool isNew) = await a.AddKeyAsync(Key("b"), "pool b", Time, None);
        Assert.True(isNew);
        Assert.Equal(("pool b", KeyKind.KeyFile, KeyTrust.Verified, false), (added.Label, added.Kind, added.Trust, added.InUse));
        Assert.Equal(a.Id, (await OpenAsync(Key("b"))).Id);
        Assert.Equal(a.Id, (await OpenAsync(Key("a"))).Id);
        (KeyInfo again, isNew) = await a.AddKeyAsync(Key("b"), "other", Time, None);
        Assert.Equal((added.Id, "pool b", false), (again.Id, again.Label, isNew));
    }

    [Fact]
    public async Task The_list_tells_label_time_and_which_one_is_in_use()
    {
        CheckpointRepository a = await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        await a.AddKeyAsync(Key("b"), "b", Time, None);
        IReadOnlyList<KeyInfo> keys = await (await OpenAsync(Key("b"))).ListKeysAsync(None);
        Assert.Equal([false, true], keys.OrderBy(k => k.InUse).Select(k => k.InUse));
        Assert.All(keys, k => Assert.InRange(k.Created!.Value, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow));
        Assert.Equal("b", keys.Single(k => k.InUse).Label);
    }

    [Fact]
    public async Task The_last_key_and_the_one_in_use_stay()
    {
        CheckpointRepository a = await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        Assert.Equal(RepositoryCodes.KeyLast, await CodeAsync(() => a.RemoveKeyAsync(Key("a").Id, force: true, None)));
        await a.AddKeyAsync(Key("b"), null, Time, None);
        Assert.Equal(RepositoryCodes.KeyInUse, await CodeAsync(() => a.RemoveKeyAsync(Key("a").Id, force: false, None)));
        Assert.Equal(Key("a").Id, (await a.RemoveKeyAsync(Key("a").Id, force: true, None)).Id);
        Assert.Equal(RepositoryCodes.WrongKey, await CodeAsync(() => OpenAsync(Key("a"))));
        Assert.Equal(a.Id, (await OpenAsync(Key("b"))).Id);
    }

    [Fact]
    public async Task A_strangers_object_does_not_count_as_another_key()
    {
        CheckpointRepository a = await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        MemoryBackend other = new();
        await CheckpointRepository.InitAsync(other, Key("x"), None);
        _backend[ObjectNames.Key(Key("x").Id)] = other[ObjectNames.Key(Key("x").Id)];
        Assert.Equal(RepositoryCodes.KeyLast, await CodeAsync(() => a.RemoveKeyAsync(Key("a").Id, force: true, None)));
        Assert.Equal(KeyTrust.Unsound, (await a.ListKeysAsync(None)).Single(k => !k.InUse).Trust);
        await a.RemoveKeyAsync(Key("x").Id, force: false, None);
        Assert.Single(await a.ListKeysAsync(None));
    }

    [Fact]
    public async Task A_label_that_was_changed_is_not_shown_and_the_key_does_not_open()
    {
        CheckpointRepository a = await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        await a.AddKeyAsync(Key("b"), "keep me", Time, None);
        string name = ObjectNames.Key(Key("b").Id);
        _backend[name] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(_backend[name]).Replace("keep me", "drop me", StringComparison.Ordinal));
        KeyInfo changed = (await a.ListKeysAsync(None)).Single(k => !k.InUse);
        Assert.Equal((KeyTrust.Unsound, null), (changed.Trust, changed.Label));
        Assert.Equal(RepositoryCodes.Damaged, await CodeAsync(() => OpenAsync(Key("b"))));
    }

    [Fact]
    public async Task Rotation_leaves_exactly_the_new_key_with_the_old_label()
    {
        CheckpointRepository a = await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        await a.AddKeyAsync(Key("b"), "nodes", Time, None);
        CheckpointRepository b = await OpenAsync(Key("b"));
        (KeyInfo added, KeyInfo removed) = await b.RotateKeyAsync(Key("c"), null, Time, None);
        Assert.Equal(("nodes", Key("c").Id, Key("b").Id), (added.Label, added.Id, removed.Id));
        Assert.Equal(new[] { Key("a").Id, Key("c").Id }.Order(), (await a.ListKeysAsync(None)).Select(k => k.Id).Order());
        Assert.Equal(a.Id, (await OpenAsync(Key("c"))).Id);
        Assert.Equal("key-same", (await Assert.ThrowsAsync<UsageException>(() => a.RotateKeyAsync(Key("a"), null, Time, None))).Code);
    }

    [Theory]
    [InlineData("put")]
    [InlineData("read")]
    [InlineData("delete")]
    public async Task A_rotation_that_dies_anywhere_leaves_a_key_that_works_and_is_finished_by_the_next(string where)
    {
        Dying dying = new(_backend);
        await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        CheckpointRepository a = await CheckpointRepository.OpenAsync(dying, Key("a"), None);
        dying.At = where;
        await Assert.ThrowsAnyAsync<Exception>(() => a.RotateKeyAsync(Key("b"), null, Time, None));
        Assert.True(dying.Fired);
        CheckpointRepository again = await OpenAsync(Key("a"));
        await again.RotateKeyAsync(Key("b"), null, Time, None);
        Assert.Equal(a.Id, (await OpenAsync(Key("b"))).Id);
        Assert.Equal(RepositoryCodes.WrongKey, await CodeAsync(() => OpenAsync(Key("a"))));
    }

    [Fact]
    public async Task Two_who_remove_each_others_key_leave_one()
    {
        CheckpointRepository first = await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        await first.AddKeyAsync(Key("b"), null, Time, None);
        Interleaved meanwhile = new(_backend);
        CheckpointRepository a = await CheckpointRepository.OpenAsync(meanwhile, Key("a"), None);
        meanwhile.BeforeDelete = () => _backend.Remove(ObjectNames.Key(Key("a").Id));
        Assert.Equal(RepositoryCodes.KeyLast, await CodeAsync(() => a.RemoveKeyAsync(Key("b").Id, force: false, None)));
        Assert.Equal(a.Id, (await OpenAsync(Key("b"))).Id);
    }

    [Fact]
    public async Task A_store_that_gives_back_something_else_keeps_the_old_key()
    {
        Interleaved lying = new(_backend);
        await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        CheckpointRepository a = await CheckpointRepository.OpenAsync(lying, Key("a"), None);
        string name = ObjectNames.Key(Key("b").Id);
        lying.AfterPut = put =>
        {
            if (put == name)
            {
                JsonNode json = JsonNode.Parse(_backend[name])!;
                json["wrapped"] = new string('0', 96);
                _backend[name] = Encoding.UTF8.GetBytes(json.ToJsonString());
            }
        };
        Assert.Equal(RepositoryCodes.Damaged, await CodeAsync(() => a.RotateKeyAsync(Key("b"), null, Time, None)));
        Assert.Equal(a.Id, (await OpenAsync(Key("a"))).Id);
    }

    [Fact]
    public async Task Keys_are_named_by_label_or_unique_prefix()
    {
        CheckpointRepository a = await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        await a.AddKeyAsync(Key("b"), "b", Time, None);
        Assert.Equal(RepositoryCodes.KeyNotFound, await CodeAsync(() => a.RemoveKeyAsync("c-none", force: false, None)));
        Assert.Equal(RepositoryCodes.KeyNotFound, await CodeAsync(() => a.RemoveKeyAsync("", force: false, None)));
        Assert.Equal(Key("b").Id, (await a.RemoveKeyAsync(Key("b").Id[..12], force: false, None)).Id);
        Assert.Equal("key-label", (await Assert.ThrowsAsync<UsageException>(() => a.AddKeyAsync(Key("c"), "a\nb", Time, None))).Code);
    }

    [Fact]
    public async Task More_keys_than_there_may_be_are_refused_both_ways()
    {
        CheckpointRepository a = await CheckpointRepository.InitAsync(_backend, Key("a"), None);
        for (int i = 1; i < KeyStore.MaxKeys; i++)
        {
            _backend[ObjectNames.Key(ObjectId.New().ToString())] = "{}"u8.ToArray();
        }

        Assert.Equal(RepositoryCodes.LimitExceeded, await CodeAsync(() => a.AddKeyAsync(Key("b"), null, Time, None)));
        _backend[ObjectNames.Key(ObjectId.New().ToString())] = "{}"u8.ToArray();
        Assert.Equal(RepositoryCodes.Damaged, await CodeAsync(() => a.ListKeysAsync(None)));
        Assert.Equal(a.Id, (await OpenAsync(Key("a"))).Id);
    }

    public void Dispose() => _directory.Dispose();

    private static async Task<string> CodeAsync(Func<Task> action) => (await Assert.ThrowsAsync<RepositoryException>(action)).Code;

    private Task<CheckpointRepository> OpenAsync(RepositoryKey key) => CheckpointRepository.OpenAsync(_backend, key, None);

    private KeyFile Key(string name) => KeyFile.LoadOrCreate(Path.Combine(_directory.Path, name));

    /// <summary>Throws at the calls of a kind, before they reach the store.</summary>
    private sealed class Dying(IBackend inner) : Forwarding(inner)
    {
        public string At { get; set; } = "";

        public bool Fired { get; private set; }

        private bool PutDone { get; set; }

        public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken)
        {
            Die("put");
            PutDone = true;
            return base.BeginPut(name, cancellationToken);
        }

        public override ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            if (PutDone)
            {
                Die("read");
            }

            return base.ReadAsync(name, offset, destination, cancellationToken);
        }

        public override ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
        {
            Die("delete");
            return base.DeleteAsync(name, cancellationToken);
        }

        private void Die(string at)
        {
            if (At == at)
            {
                Fired = true;
                throw new InvalidOperationException("killed here");
            }
        }
    }

    /// <summary>Lets something else happen in the middle.</summary>
    private sealed class Interleaved(IBackend inner) : Forwarding(inner)
    {
        public Action? BeforeDelete { get; set; }

        public Action<string>? AfterPut { get; set; }

        public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken) =>
            new Upload(this, base.BeginPut(name, cancellationToken), name);

        public override ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
        {
            BeforeDelete?.Invoke();
            return base.DeleteAsync(name, cancellationToken);
        }

        private sealed class Upload(Interleaved owner, IObjectUpload inner, string name) : IObjectUpload
        {
            public void Append(ReadOnlySpan<byte> data) => inner.Append(data);

            public bool Commit()
            {
                bool done = inner.Commit();
                owner.AfterPut?.Invoke(name);
                return done;
            }

            public void Dispose() => inner.Dispose();
        }
    }
}
