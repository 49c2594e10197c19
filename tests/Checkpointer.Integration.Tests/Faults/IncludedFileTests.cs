namespace Checkpointer.Integration.Tests;

/// <summary>A file that travels with a snapshot, and was written to since: a restore that comes to nothing leaves the newer content.</summary>
public sealed class IncludedFileTests
{
    private const string Then = "as at the checkpoint\n";
    private const string Newer = "written since, and longer\n";

    [Fact]
    public async Task A_killed_engine_and_a_failed_criu_leave_what_was_written_since()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var folder = Directory.CreateDirectory(Path.Combine(lab.Directory, "data")).FullName;
        var file = Path.Combine(folder, "included");
        await File.WriteAllTextAsync(file, Then, TestContext.Current.CancellationToken);
        var pid = await lab.StartAsync(Path.Combine(lab.Directory, "sleep.out"), "/bin/sleep", "600");
        var snapshot = await lab.CheckpointAsync(pid, "--include", file);
        await File.WriteAllTextAsync(file, Newer, TestContext.Current.CancellationToken);
        var before = Entries(folder);

        var dry = (await lab.CheckpointerAsync("restore", snapshot.Id, "--dry-run", "--embedded", "--json")).MustSucceed().Json;
        var note = dry.GetProperty("findings").EnumerateArray().Single(f => f.GetProperty("code").GetString() == "state-files-replaced");
        Assert.Equal(("note", file), (note.GetProperty("severity").GetString(), note.GetProperty("subject").GetString()));
        Assert.Equal(Newer, Read(file));

        (await FaultRun.RunAsync(lab, new FaultPlan { DieAtPhase = "restore", Restore = new RestorePlan { Snapshot = snapshot.Id } })).MustBeKilled();
        Assert.Equal(Then, Read(file));
        Assert.Equal("tree-killed", Assert.Single(await FaultRun.RecoverAsync(lab)).Outcome);
        Assert.Equal(Newer, Read(file));
        Assert.Equal(before, Entries(folder));

        await FailAsync(lab, snapshot.Id);
        Assert.Equal(Newer, Read(file));
        Assert.Equal(before, Entries(folder));
        await lab.MustBeCleanAsync();

        await lab.RestoreAsync(snapshot.Id);
        Assert.Equal(Then, Read(file));
        Assert.Equal(before, Entries(folder));
    }

    /// <summary>A restore whose CRIU does not even begin.</summary>
    private static async Task FailAsync(Lab lab, string snapshot)
    {
        var wrapper = Path.Combine(lab.Directory, "criu-that-fails");
        await File.WriteAllTextAsync(
            wrapper, $"#!/bin/sh\nif [ \"$1\" = restore ]; then exit 1; fi\nexec {Installation.Criu} \"$@\"\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(wrapper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        lab.Environment["CHECKPOINTER_CRIU"] = wrapper;
        (await lab.CheckpointerAsync("restore", snapshot, "--embedded", "--json")).MustExit(1);
        lab.Environment.Remove("CHECKPOINTER_CRIU");
    }

    private static string Read(string path) => File.ReadAllText(path);

    private static string[] Entries(string folder) => [.. Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal)];
}
