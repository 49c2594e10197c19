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
        Write("{\"version\": 4, \"something\": \"new\"}");

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
