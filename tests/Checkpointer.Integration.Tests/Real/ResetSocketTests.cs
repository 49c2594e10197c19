namespace Checkpointer.Integration.Tests;

/// <summary>
/// A program may hold on to a socket long after its peer reset the connection. The kernel lists it nowhere, CRIU dumps it as a
/// connection all the same: ended with such a snapshot, the program must come back.
/// </summary>
public sealed class ResetSocketTests
{
    [Fact]
    public async Task A_program_that_holds_a_socket_its_peer_reset_goes_on()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var log = Path.Combine(lab.Directory, "steps.log");
        var pid = await lab.StartAsync(
            Path.Combine(lab.Directory, "reset.out"), "python3", Path.Combine(Installation.Workloads, "reset.py"), log);
        await MustReachAsync(log, 5);
        Assert.EndsWith("Broken pipe", Lines(log)[^1], StringComparison.Ordinal);

        var snapshot = await lab.CheckpointAsync(pid);
        var before = Lines(log).Length;
        await lab.RestoreAsync(snapshot.Id);

        await MustReachAsync(log, before + 5);
        Assert.All(Lines(log).Skip(2), static line => Assert.DoesNotContain("connected", line, StringComparison.Ordinal));
    }

    private static Task MustReachAsync(string log, int lines) =>
        Eventually.TrueAsync($"{lines} lines in {log}", TimeSpan.FromSeconds(60), () => Lines(log).Length >= lines);

    private static string[] Lines(string log) => File.Exists(log) ? File.ReadAllText(log).Split('\n')[..^1] : [];
}
