namespace Checkpointer.Integration.Tests;

/// <summary>Journal entries whose processes are not there any more: another boot, other processes under the same pids.</summary>
public sealed class ForeignJournalTests(FaultBench bench) : IClassFixture<FaultBench>
{
    [Fact]
    public async Task An_entry_of_another_boot_is_closed_and_nobody_is_touched()
    {
        await MustCloseUntouchedAsync(() => JournalFile.Edit(bench.Lab, entry => entry["bootId"] = "00000000-0000-4000-8000-000000000000"));
    }

    [Fact]
    public async Task An_entry_whose_pids_were_reused_is_closed_and_nobody_is_touched()
    {
        await MustCloseUntouchedAsync(() => JournalFile.Edit(bench.Lab, entry =>
        {
            foreach (var process in entry["processes"]!.AsArray())
            {
                process!["startTime"] = process["startTime"]!.GetValue<ulong>() + 1;
            }
        }));
    }

    [Fact]
    public async Task An_entry_of_a_newer_version_is_told_and_kept()
    {
        await LeaveAnEntryAsync();
        JournalFile.Edit(bench.Lab, entry => entry["version"] = 99);

        Assert.Equal("attention", Assert.Single(await FaultRun.RecoverAsync(bench.Lab)).Outcome);

        JournalFile.Edit(bench.Lab, entry => entry["version"] = 1);
        Assert.Equal("rolled-back", Assert.Single(await FaultRun.RecoverAsync(bench.Lab)).Outcome);
        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        await bench.Lab.MustBeCleanAsync();
        bench.GiveBack();
    }

    private async Task LeaveAnEntryAsync()
    {
        await bench.TakeAsync();
        (await FaultRun.RunAsync(bench.Lab, new FaultPlan { DieAfterObject = "maps/", Checkpoint = bench.Checkpoint() })).MustBeKilled();
    }

    private async Task MustCloseUntouchedAsync(Action forge)
    {
        await LeaveAnEntryAsync();
        // CRIU has let go of it; whoever is stopped now is stopped by somebody else, and recovery would wake it if it took it for its own.
        await bench.Counter.MustCountAsync();
        await Eventually.TrueAsync("the end of CRIU", TimeSpan.FromSeconds(60), () => bench.Lab.Helpers("criu").Count == 0);
        Signals.Send(bench.Counter.Pid, Signals.Stop);
        forge();

        var recovered = Assert.Single(await FaultRun.RecoverAsync(bench.Lab));

        Assert.Equal("closed-as-gone", recovered.Outcome);
        Assert.Equal('T', Processes.State(bench.Counter.Pid));
        Signals.Send(bench.Counter.Pid, Signals.Continue);
        await bench.Lab.MustBeCleanAsync();
        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        bench.GiveBack();
    }
}
