using System.Text;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.FileState;

/// <summary>Files of a snapshot take the place of newer ones: those are back when the restore comes to nothing, however it ends.</summary>
public sealed class ReplacedFilesTests : IAsyncLifetime
{
    private const string Operation = "op-1";
    private const string Then = "as in the snapshot";
    private const string Newer = "newer than the snapshot";

    private readonly TemporaryDirectory _directory = new();
    private readonly EngineServices _services;
    private CheckpointRepository _repository = null!;
    private SnapshotReader _reader = null!;
    private bool _mounted;

    public ReplacedFilesTests()
    {
        _services = new EngineServices(
            new EngineOptions { StateDirectory = _directory.File("state"), RunDirectory = _directory.File("run") }, NullLoggerFactory.Instance, TimeProvider.System);
        Directory.CreateDirectory(_directory.File("data"));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Data => _directory.File("data");

    private string Existing => Path.Combine(Data, "existing");

    private string Absent => Path.Combine(Data, "new", "below", "absent");

    public async ValueTask InitializeAsync()
    {
        _repository = await CheckpointRepository.InitAsync(
            RepositoryUrl.Open(_directory.File("repository")), KeyFile.LoadOrCreate(_directory.File("key")), Token);
        using BlockPool pool = new(8L << 20);
        await using var writer = await _repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = pool }, Token);
        foreach (var name in new[] { "state-1", "state-2" })
        {
            var file = writer.OpenFile(name, FileKind.Pages);
            file.Write(Encoding.ASCII.GetBytes(Then));
            file.Complete();
        }

        var info = await writer.CommitAsync(new ManifestContent { Created = DateTimeOffset.UnixEpoch, Node = "test", Intent = "final" }, Token);
        _reader = await _repository.OpenSnapshotAsync(info.Id, Token);
        await File.WriteAllTextAsync(Existing, Newer, Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.DisposeAsync();
        await _repository.DisposeAsync();
        if (_mounted)
        {
            Mounts.Unmount(Data, detach: true);
        }

        _directory.Dispose();
    }

    [Fact]
    public async Task A_failed_restore_puts_the_very_file_back_that_others_have_open_and_linked()
    {
        var other = Path.Combine(Data, "other-name");
        using (ChildProcess link = new("/bin/ln", Existing, other))
        {
            await link.Output.ReadToEndAsync(Token);
        }

        await using var open = new FileStream(Existing, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var before = FileStatus.Of(Existing)!;
        using var journal = Begin();

        await WriteBack().WriteAsync(_reader, journal, Token);
        Assert.Equal((Then, Then, Newer), (await ReadAsync(Existing), await ReadAsync(Absent), await ReadAsync(other)));
        open.Seek(0, SeekOrigin.End);
        await open.WriteAsync("; written meanwhile"u8.ToArray(), Token);
        await open.FlushAsync(Token);

        var aside = Aside(journal);
        Assert.Empty(aside.PutBack());
        Assert.Empty(aside.PutBack());

        Assert.Equal(Newer + "; written meanwhile", await ReadAsync(Existing));
        Assert.True(before.IsSameFile(FileStatus.Of(Existing)!) && before.IsSameFile(FileStatus.Of(other)!));
        Assert.Equal([Existing, other], Everything());
    }

    [Fact]
    public async Task A_restore_that_came_about_leaves_the_files_of_the_snapshot_and_nothing_else()
    {
        using var journal = Begin();
        await WriteBack().WriteAsync(_reader, journal, Token);

        Assert.Empty(Aside(journal).Forget());

        Assert.Equal((Then, Then), (await ReadAsync(Existing), await ReadAsync(Absent)));
        Assert.Equal([Existing, Path.Combine(Data, "new"), Path.Combine(Data, "new", "below"), Absent], Everything());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task An_engine_that_was_killed_loses_nothing(bool placed, bool anotherBoot)
    {
        using (var journal = Begin())
        {
            // Killed while contents are written, or when all files are in place: nothing is undone by this process.
            if (placed)
            {
                await WriteBack().WriteAsync(_reader, journal, Token);
                Assert.Equal(Then, await ReadAsync(Existing));
            }
            else
            {
                await Assert.ThrowsAsync<RepositoryException>(() => WriteBack(lastContent: "state-none").WriteAsync(_reader, journal, Token));
                Assert.NotEqual([Existing], Everything());
            }

            if (anotherBoot)
            {
                journal.Update(static e => e with { BootId = "another" });
            }
        }

        var report = await new RecoveryRunner(_services).RunAsync(Token);

        Assert.Equal(anotherBoot ? "closed-as-gone" : "tree-killed", Assert.Single(report.Operations).Outcome);
        Assert.Equal(Newer, await ReadAsync(Existing));
        Assert.Equal([Existing], Everything());
        Assert.Empty((await new RecoveryRunner(_services).RunAsync(Token)).Operations);
    }

    [Fact]
    public async Task What_an_adopted_tree_replaced_is_removed()
    {
        using (var journal = Begin())
        {
            await WriteBack().WriteAsync(_reader, journal, Token);
        }

        var tree = _services.Trees.DirectoryOf(Operation);
        Directory.CreateDirectory(tree);
        await File.WriteAllTextAsync(Path.Combine(tree, "exit"), "exited 0\n", Token);

        Assert.Equal("tree-adopted", Assert.Single((await new RecoveryRunner(_services).RunAsync(Token)).Operations).Outcome);

        Assert.Equal((Then, Then), (await ReadAsync(Existing), await ReadAsync(Absent)));
        Assert.DoesNotContain(Everything(), e => Path.GetFileName(e).StartsWith('.'));
    }

    [Fact]
    public async Task A_tree_that_may_have_run_until_the_machine_stopped_keeps_its_files_and_the_others_are_named()
    {
        using (var journal = Begin())
        {
            await WriteBack().WriteAsync(_reader, journal, Token);
            journal.Update(static e => e with { BootId = "another", Released = true });
        }

        var recovered = Assert.Single((await new RecoveryRunner(_services).RunAsync(Token)).Operations);

        Assert.Equal("closed-as-gone", recovered.Outcome);
        Assert.Equal(Then, await ReadAsync(Existing));
        var kept = Assert.Single(Everything(), e => Path.GetFileName(e).StartsWith('.'));
        Assert.Contains(kept, recovered.Message, StringComparison.Ordinal);
        Assert.Equal(Newer, await ReadAsync(kept));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_is_replaced_meanwhile_is_not_lost_and_not_followed(bool link)
    {
        var victim = _directory.File("victim");
        await File.WriteAllTextAsync(victim, "of somebody else", Token);
        using var journal = Begin();
        var files = WriteBack(before: () =>
        {
            File.Delete(Existing);
            if (link)
            {
                File.CreateSymbolicLink(Existing, victim);
            }
            else
            {
                File.WriteAllText(Existing, "saved just now");
            }
        });

        var e = await Assert.ThrowsAsync<OperationFailedException>(() => files.WriteAsync(_reader, journal, Token));
        Assert.Equal("state-file-changed", e.Code);
        Assert.Empty(Aside(journal).PutBack());

        Assert.Equal("of somebody else", await ReadAsync(victim));
        Assert.Equal(link ? victim : null, new FileInfo(Existing).LinkTarget);
        Assert.Equal(link ? "of somebody else" : "saved just now", await ReadAsync(Existing));
        Assert.Equal([Existing], Everything());
    }

    [Fact]
    public async Task A_file_that_comes_where_there_was_none_is_not_written_over()
    {
        using var journal = Begin();
        var files = WriteBack(before: () => File.WriteAllText(Absent, "made just now"));

        Assert.Equal("state-file-changed", (await Assert.ThrowsAsync<OperationFailedException>(() => files.WriteAsync(_reader, journal, Token))).Code);
        Assert.Empty(Aside(journal).PutBack());

        Assert.Equal(("made just now", Newer), (await ReadAsync(Absent), await ReadAsync(Existing)));
        Assert.DoesNotContain(Everything(), e => Path.GetFileName(e).StartsWith('.'));
    }

    [Fact]
    public async Task What_somebody_saved_after_the_restore_began_stays_and_the_old_file_is_named()
    {
        using var journal = Begin();
        await WriteBack().WriteAsync(_reader, journal, Token);
        File.Delete(Existing);
        await File.WriteAllTextAsync(Existing, "saved since", Token);

        var problem = Assert.Single(Aside(journal).PutBack());

        Assert.Equal("saved since", await ReadAsync(Existing));
        var kept = Assert.Single(Everything(), e => Path.GetFileName(e).StartsWith('.'));
        Assert.Contains(kept, problem, StringComparison.Ordinal);
        Assert.Equal(Newer, await ReadAsync(kept));
    }

    [Fact]
    public async Task A_hidden_name_that_somebody_else_took_is_never_put_in_place()
    {
        using var journal = Begin();
        await Assert.ThrowsAsync<RepositoryException>(() => WriteBack(lastContent: "state-none").WriteAsync(_reader, journal, Token));
        await File.WriteAllTextAsync(Path.Combine(Data, AsideFiles.OldNameOf(Operation, 0)), "planted", Token);

        Assert.Empty(Aside(journal).PutBack());

        Assert.Equal(Newer, await ReadAsync(Existing));
    }

    [Fact]
    public async Task A_full_file_system_is_told_as_such_and_nothing_changed()
    {
        if (Host.EffectiveUid != 0)
        {
            Assert.Skip("needs root to mount a small file system");
        }

        Mounts.MountTmpfs(Data, 16 << 10, (UnixFileMode)0x1c0);
        _mounted = true;
        await File.WriteAllTextAsync(Existing, Newer, Token);
        await File.WriteAllBytesAsync(Path.Combine(Data, "filler"), new byte[FileSystems.Free(Data)], Token);
        using var journal = Begin();

        var e = await Assert.ThrowsAsync<HostException>(() => WriteBack().WriteAsync(_reader, journal, Token));

        Assert.Equal(("state-file-write", ExitCode.Environment), (e.Code, e.ExitCode));
        Assert.Contains(Existing, e.Message, StringComparison.Ordinal);
        Assert.Empty(Aside(journal).PutBack());
        Assert.Equal(Newer, await ReadAsync(Existing));
        Assert.Equal([Existing, Path.Combine(Data, "filler")], Everything());
    }

    [Fact]
    public void A_verdict_names_the_files_that_will_be_replaced()
    {
        var note = Assert.Single(WriteBack().Check());

        Assert.Equal(("state-files-replaced", FindingSeverity.Note, Existing), (note.Code, note.Severity, note.Subject));
        File.Delete(Existing);
        Assert.Empty(WriteBack().Check());
    }

    [Fact]
    public void A_verdict_counts_many_files_and_names_some()
    {
        List<StateFile> files = [];
        for (var i = 0; i < 100; i++)
        {
            var path = Path.Combine(Data, $"file-{i}");
            File.WriteAllText(path, "x");
            files.Add(File_(path, "state-1"));
        }

        var note = Assert.Single(new FileWriteBack(files, []).Check());

        Assert.StartsWith("100 files", note.Found, StringComparison.Ordinal);
        Assert.InRange(note.Subject.Length, 1, 2000);
    }

    private FileWriteBack WriteBack(string lastContent = "state-2", Action? before = null) => new(
        [File_(Existing, "state-1"), File_(Absent, lastContent)],
        [new StateDirectory(Path.Combine(Data, "new"), 0x1c0, Host.EffectiveUid, 0), new StateDirectory(Path.Combine(Data, "new", "below"), 0x1c0, Host.EffectiveUid, 0)])
    {
        BeforePlacing = before,
    };

    private static StateFile File_(string path, string content) => new()
    {
        Path = path,
        Content = content,
        Size = Then.Length,
        Mode = 0x180,
        Uid = Host.EffectiveUid,
        Gid = 0,
        ModifiedNanoseconds = 1_000_000_000,
        OnTmpfs = false,
    };

    private OpenJournalEntry Begin()
    {
        StateDirectories.Create(_services.Trees.DirectoryOf(Operation));
        return _services.Journal.Open(JournalEntry.Begin(
            Operation, OperationKind.Restore, DateTimeOffset.UnixEpoch, "/r", "/k", Host.BootId, new SnapshotId(LineageId.New(), 1), _directory.File("run")));
    }

    private static AsideFiles Aside(OpenJournalEntry journal) => new(Operation, journal.Entry.StateFiles!, sameBoot: true);

    private string[] Everything() => [.. Directory.EnumerateFileSystemEntries(Data, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static Task<string> ReadAsync(string path) => File.ReadAllTextAsync(path, Token);
}
