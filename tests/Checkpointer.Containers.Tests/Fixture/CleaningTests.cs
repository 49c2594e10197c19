namespace Checkpointer.Containers.Tests;

/// <summary>Nodes leave nothing behind, whichever way their run ends.</summary>
public sealed class CleaningTests(TwoNodes nodes)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Nodes_start_twice_beside_others_and_leave_nothing()
    {
        // Also a skip where there can be no nodes.
        Assert.NotEqual(0, nodes.A.InitPid);
        var before = MachineState.Now();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            string name;
            await using (var world = await NodeWorld.StartAsync(1))
            {
                name = world.Name;
                await world.Nodes[0].StartContainerdAsync();
                await world.Nodes[0].ImportAsync(Path.Combine(Requirements.Images, "pause.tar"), Path.Combine(Requirements.Images, "workload.tar"));
                // Not disposed: it is for the world to take it away.
                var pod = await TestPod.StartAsync(world.Nodes[0], "left");
                await Workload.StartAsync(pod, ContainerOptions.Workload("forks"));
            }

            MachineState.MustHaveNothingOf(name);
        }

        Assert.Equal(before, MachineState.Now());
    }

    [Fact]
    public async Task What_a_killed_supervisor_left_is_swept_by_the_next_run_and_living_ones_are_not()
    {
        Assert.NotEqual(0, nodes.A.InitPid);
        var world = await NodeWorld.StartAsync(1);
        try
        {
            await world.Nodes[0].StartContainerdAsync();
            await Signals.KillAsync(world.SupervisorPid);
            await NodeWorld.SweepAsync();
            Assert.True(Processes.IsAlive(world.Nodes[0].InitPid), "a world whose owner lives was swept");
            // As if this process had ended: nobody has this start time.
            await File.WriteAllTextAsync(Path.Combine(world.Folder, "owner"), $"{Environment.ProcessId} 1\n", TestContext.Current.CancellationToken);
            Assert.Contains(world.Folder, await NodeWorld.SweepAsync(), StringComparison.Ordinal);
            await Eventually.TrueAsync("the end of the node", Limit, () => !Processes.IsAlive(world.Nodes[0].InitPid));
            MachineState.MustHaveNothingOf(world.Name);
            Assert.True(Processes.IsAlive(nodes.A.InitPid), "the nodes of this run were swept");
        }
        finally
        {
            await world.DisposeAsync();
        }
    }
}
