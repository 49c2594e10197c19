using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Tests.Support;

namespace Checkpointer.Engine.Tests.Journal;

public sealed class OperationJournalTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void An_entry_that_is_held_is_not_taken_for_abandoned()
    {
        var journal = new OperationJournal(_directory.Path);
        using var open = journal.Open(Entry("a"));

        Assert.Empty(new OperationJournal(_directory.Path).TakeAbandoned(Unexpected));
    }

    [Fact]
    public void An_entry_whose_holder_let_go_is_found_with_its_last_content()
    {
        var journal = new OperationJournal(_directory.Path);
        using (var open = journal.Open(Entry("a")))
        {
            open.Write(open.Entry with { Phase = OperationPhase.Commit, Frozen = true });
        }

        var found = Assert.Single(journal.TakeAbandoned(Unexpected));
        using (found)
        {
            Assert.Equal(OperationPhase.Commit, found.Entry.Phase);
            Assert.True(found.Entry.Frozen);
            Assert.Equal(42, Assert.Single(found.Entry.Processes).Pid);
        }
    }

    [Fact]
    public void A_closed_entry_leaves_nothing()
    {
        var journal = new OperationJournal(_directory.Path);
        using (var open = journal.Open(Entry("a")))
        {
            open.Close();
        }

        Assert.Empty(journal.TakeAbandoned(Unexpected));
        Assert.Empty(Directory.EnumerateFiles(_directory.File("operations")));
    }

    [Fact]
    public void Two_holders_of_one_operation_are_refused()
    {
        var journal = new OperationJournal(_directory.Path);
        using var open = journal.Open(Entry("a"));

        var error = Assert.Throws<OperationFailedException>(() => journal.Open(Entry("a")));

        Assert.Equal("operation-exists", error.Code);
    }

    [Fact]
    public void A_newer_version_is_refused_and_kept()
    {
        Write("{\"version\": 6, \"something\": \"new\"}");

        var error = Unreadable();

        Assert.Equal("journal-too-new", error.Code);
        Assert.True(File.Exists(_directory.File("operations/x.json")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not json")]
    [InlineData("{\"version\": 1}")]
    [InlineData("{\"version\": 1, \"unknown\": true}")]
    public void Garbage_is_named_and_kept(string content)
    {
        Write(content);

        var error = Unreadable();

        Assert.Equal("journal-unreadable", error.Code);
        Assert.Contains("x.json", error.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(_directory.File("operations/x.json")));
    }

    [Fact]
    public void An_unreadable_entry_does_not_hide_the_others()
    {
        var journal = new OperationJournal(_directory.Path);
        journal.Open(Entry("z")).Dispose();
        Write("not json");

        var told = new List<string>();
        using var found = Assert.Single(journal.TakeAbandoned((operation, _) => told.Add(operation)));

        Assert.Equal("z", found.Entry.Operation);
        Assert.Equal(["x"], told);
    }

    [Fact]
    public void An_entry_of_a_pod_that_is_made_is_of_version_5_and_ends_as_one_of_nothing_else()
    {
        var journal = new OperationJournal(_directory.Path);
        var entry = Entry("m") with { Version = JournalEntry.CurrentVersion, MadePod = "uid" };
        Assert.True(entry.IsOnlyMadePod);
        using (var open = journal.Open(entry))
        {
            open.Update(e => e with { TreeDirectory = "/t", Container = new JournalContainer("c", 1, 2, 3), Released = true });
        }

        Assert.Contains("\"version\": 5", File.ReadAllText(_directory.File("operations/m.json")), StringComparison.Ordinal);
        Assert.Contains("\"madePod\": \"uid\"", File.ReadAllText(_directory.File("operations/m.json")), StringComparison.Ordinal);
        using var found = Assert.Single(journal.TakeAbandoned(Unexpected));
        Assert.False(found.Entry.IsOnlyMadePod);
        Assert.Equal((true, false, null), (found.Entry.OnlyMadePod().IsOnlyMadePod, found.Entry.OnlyMadePod().Released, found.Entry.OnlyMadePod().Container));
    }

    [Fact]
    public void A_pods_entry_is_of_version_4_and_is_an_entry_for_each_of_its_containers()
    {
        var journal = new OperationJournal(_directory.Path);
        var entry = Entry("p") with
        {
            Version = JournalEntry.SeveralTreesVersion,
            Processes = [],
            Members = [new JournalMember { Processes = [new JournalProcess(1, 2, 3, false)], Freezer = "/pods/a" }, new JournalMember { CriuLog = "/l" }],
            Gpu = new JournalGpu { Step = GpuStep.Awaited, Processes = [new JournalGpuProcess { Pid = 0, StartTime = 0, OwnPid = 3, Tree = 1, Map = "a=b" }] },
        };
        using (var open = journal.Open(entry))
        {
            open.Update(e => e.With(1, part => part with { Criu = new JournalProcess(9, 8, 7, false) }));
            open.Update(e => e.With(0, part => part with { Phase = "lost", TreeDirectory = "/t" }));
        }

        Assert.Contains("\"version\": 4", File.ReadAllText(_directory.File("operations/p.json")), StringComparison.Ordinal);
        using var found = Assert.Single(journal.TakeAbandoned(Unexpected));
        var parts = found.Entry.Parts;
        Assert.Equal(2, parts.Count);
        Assert.Equal("/pods/a", parts[0].Freezer);
        Assert.Equal("/t", parts[0].TreeDirectory);
        Assert.Equal(1, Assert.Single(parts[0].Processes).Pid);
        Assert.Equal(9, parts[1].Criu!.Pid);
        Assert.Equal("/l", parts[1].CriuLog);
        Assert.All(parts, part => Assert.Equal(OperationPhase.Prepare, part.Phase));
        Assert.All(parts, part => Assert.Null(part.Members));
        Assert.Equal((1, "a=b"), Assert.Single(found.Entry.Gpu!.Processes.Select(static p => (p.Tree, p.Map))));
    }

    [Fact]
    public void An_entry_with_files_is_of_version_5()
    {
        var journal = new OperationJournal(_directory.Path);
        var entry = Entry("f") with
        {
            Version = JournalEntry.CurrentVersion,
            StateFiles = new JournalStateFiles
            {
                Directories = ["/d"],
                Files = [new JournalStateFile { Path = "/d/a" }, new JournalStateFile { Path = "/b", New = new(1, 2, 3, 4), Old = new(5, 6, 7, 8) }],
            },
        };
        journal.Open(entry).Dispose();

        var json = System.Text.Json.JsonDocument.Parse(File.ReadAllText(_directory.File("operations/f.json"))).RootElement;
        Assert.Equal(5, json.GetProperty("version").GetInt32());
        Assert.Equal(
            """{"directories":["/d"],"files":[{"path":"/d/a"},{"path":"/b","new":{"inode":1,"device":2,"born":3,"uid":4},"old":{"inode":5,"device":6,"born":7,"uid":8}}]}""",
            System.Text.Json.JsonSerializer.Serialize(json.GetProperty("stateFiles")));
        using var found = Assert.Single(journal.TakeAbandoned(Unexpected));
        Assert.Equal((new JournalFileIdentity(5, 6, 7, 8), "/d/a"), (found.Entry.StateFiles!.Files[1].Old, found.Entry.StateFiles.Files[0].Path));
    }

    [Fact]
    public void An_entry_of_one_tree_is_written_as_version_3_knows_it()
    {
        var journal = new OperationJournal(_directory.Path);
        journal.Open(Entry("a") with
        {
            Gpu = new JournalGpu { Step = GpuStep.Awaited, Map = "a=b", Processes = [new JournalGpuProcess { Pid = 1, StartTime = 2, OwnPid = 3 }] },
        }).Dispose();

        var text = File.ReadAllText(_directory.File("operations/a.json"));
        Assert.Equal(2, text.Split("\"map\"").Length);
        Assert.Contains("\"version\": 3", text, StringComparison.Ordinal);
        foreach (var since4 in (string[])["members", "freezer", "networkTable", "sandbox", "tree", "cgroup"])
        {
            Assert.DoesNotContain($"\"{since4}\"", text, StringComparison.Ordinal);
        }
    }

    private static void Unexpected(string operation, HostException error) => Assert.Fail($"{operation}: {error.Message}");

    private HostException Unreadable()
    {
        HostException? told = null;
        Assert.Empty(new OperationJournal(_directory.Path).TakeAbandoned((_, error) => told = error));
        Assert.NotNull(told);
        return told;
    }

    private static JournalEntry Entry(string operation) => new()
    {
        Operation = operation,
        Kind = OperationKind.Checkpoint,
        Phase = OperationPhase.Prepare,
        Started = DateTimeOffset.UnixEpoch,
        Repository = "/r",
        KeyFile = "/k",
        BootId = "boot",
        Processes = [new JournalProcess(42, 7, 1, WasStopped: false)],
    };

    private void Write(string content)
    {
        Directory.CreateDirectory(_directory.File("operations"));
        File.WriteAllText(_directory.File("operations/x.json"), content);
    }
}
