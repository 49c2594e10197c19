using Checkpointer.Engine.Gpu;

namespace Checkpointer.Gpu.Tests;

/// <summary>
/// A fault before or after each call on either of two processes, of each kind. Whatever happens: who is not named as lost runs on with the
/// right device memory, and who is named really does not.
/// </summary>
public sealed class StepFaultTests : IDisposable
{
    private static readonly string[] Verbs = ["lock", "checkpoint", "restore", "unlock"];

    private static readonly string[] Effects = ["error 999", "failed 999", "hang", "die", "kill"];

    private readonly SimulatedNode _node = new("faults", "h100", "gpus=1");

    /// <summary>Every verb, before and after, every effect, on the first and on the second process.</summary>
    public static TheoryData<string, string, string, int> Faults()
    {
        TheoryData<string, string, string, int> data = [];
        foreach (var verb in Verbs)
        {
            foreach (var when in new[] { "before", "after" })
            {
                foreach (var effect in Effects)
                {
                    data.Add(verb, when, effect, 1);
                    if (effect is "error 999" or "die")
                    {
                        data.Add(verb, when, effect, 2);
                    }
                }
            }
        }

        return data;
    }

    public void Dispose() => _node.Dispose();

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Nobody_is_left_behind_unnamed(string verb, string when, string effect, int nth)
    {
        using var bench = new EngineBench(_node, gpu: effect == "hang" ? _node.ImpatientOptions : null);
        using var first = new Sample(_node, mib: 2);
        using var second = new Sample(_node, mib: 2);
        Sample[] samples = [first, second];
        using var journal = bench.OpenJournal("op-1", samples);
        await using var suspension = bench.Suspend(journal, samples);
        var (kind, value) = effect.Split(' ') is [var k, var v] ? (k, v) : (effect, "0");
        _node.Control($"fault {verb} {when} {kind} {value} {nth}");

        var error = await Record.ExceptionAsync(() => suspension.SuspendAsync(CancellationToken.None));
        var lost = await suspension.ResumeAsync();

        Assert.Equal(1, _node.Fired);
        Assert.True(error is null or OperationFailedException, error?.ToString());
        var early = verb is "lock" or "checkpoint";
        Assert.Equal(early && !(effect == "kill" && when == "after" && verb == "checkpoint"), error is not null);
        Assert.Equal(ExpectLost(verb, when, effect), lost is not null);
        // Who was killed may take a moment to end.
        var living = effect == "kill" ? 1 : 2;
        Sample.Wait(() => samples.Count(static s => s.IsAlive) <= living, "the end of who was killed");
        foreach (var sample in samples.Where(static s => s.IsAlive))
        {
            if (lost?.Contains($"CUDA process {sample.Pid} ", StringComparison.Ordinal) == true)
            {
                sample.AssertWaits();
            }
            else
            {
                sample.AssertGoesOn();
                Assert.Equal((int)CudaState.Running, await bench.StateAsync(sample));
            }
        }

        Assert.Equal(living, samples.Count(static s => s.IsAlive));
        Assert.Equal(lost is null, journal.Entry.Gpu is null);
    }

    /// <summary>
    /// Lost is a process whose CUDA state failed, and one that waits for its GPU after a restore or unlock that was refused, or of which
    /// nobody knows what it did: those are not repeated.
    /// </summary>
    private static bool ExpectLost(string verb, string when, string effect) => effect switch
    {
        "kill" => false,
        "failed 999" => true,
        _ => when == "before" && (verb is "restore" or "unlock"),
    };
}
