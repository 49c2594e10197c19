namespace Checkpointer.Containers.Tests;

/// <summary>Runtimes with compilers, collectors and pools of threads of their own.</summary>
public sealed class RuntimeTests(TwoNodes nodes)
{
    private const int Some = 90; // more than two collections of the Java program

    [Fact]
    public async Task A_Java_program_goes_on_with_threads_heap_and_file()
    {
        const int EndedBySigTerm = 143;
        var ended = await MoveAsync("java", " errors 0", EndedBySigTerm, "/usr/lib/jvm/default-java/bin/java", "-Xmx256m", "/programs/Machine.java");
        Assert.Equal("ended counters 4 errors 0", ended);
    }

    [Fact]
    public async Task A_Node_server_goes_on_with_timers_threads_and_its_kept_connection()
    {
        const int Code = 7;
        Assert.Equal("ended true,true", await MoveAsync("node", " connections 1 errors 0", Code, "node", "/programs/server.js"));
    }

    /// <returns>What it says at its end.</returns>
    private async Task<string> MoveAsync(string program, string suffix, int code, params string[] command)
    {
        await nodes.NeedProgramAsync(program);
        var options = Program.Of(program, command);
        await using var from = await TestPod.StartAsync(nodes.A, program);
        var before = await from.RunAsync(options);
        await before.MustSayAsync("tick ", Some);
        var snapshot = (await before.CheckpointAsync()).Snapshot();

        await using var to = await TestPod.StartAsync(nodes.B, program);
        var after = (await to.RestoreAsync(options, snapshot)).Container;
        await after.MustSayAsync("tick ", Some);
        Program.MustFollow("tick ", suffix, before, after);
        await after.StopAsync(Program.Limit);
        Assert.Equal(code, await after.ExitCodeAsync(Program.Limit));
        return Assert.Single(after.Lines("ended "));
    }
}
