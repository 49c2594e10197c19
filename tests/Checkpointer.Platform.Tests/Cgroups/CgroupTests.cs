namespace Checkpointer.Platform.Tests;

/// <summary>Against the cgroups of this machine, whatever their version.</summary>
public class CgroupTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void A_cgroup_is_created_joined_left_and_deleted() => LiveAndDie(CgroupLayout.Read());

    [Fact]
    public void The_version_2_hierarchy_alone_does() => LiveAndDie(Only(unified: true));

    [Fact]
    public void The_version_1_hierarchies_alone_do() => LiveAndDie(Only(unified: false));

    [Fact]
    public Task A_frozen_cgroup_does_not_run_and_a_thawed_one_does() => FreezeAndThaw(CgroupLayout.Read());

    [Fact]
    public Task The_version_2_freezer_works_alone() => FreezeAndThaw(Only(unified: true));

    [Fact]
    public void Creating_again_uses_what_is_there_and_opening_needs_it()
    {
        NeedCgroups(CgroupLayout.Read());
        string name = NewName();
        Assert.Null(Cgroup.Open(name));
        Cgroup first = Cgroup.Create(name);
        try
        {
            Assert.Equal(first.ProcsFiles, Cgroup.Create(name).ProcsFiles);
            Assert.Equal(first.ProcsFiles, Cgroup.Open(name)?.ProcsFiles);
            Assert.Equal(first.ProcsFiles, Cgroup.Open(first.Name)?.ProcsFiles);
        }
        finally
        {
            Assert.True(first.Delete());
        }

        Assert.True(first.Delete(), "deleting what is gone is no error");
        first.Thaw(); // nor is thawing
    }

    [Fact]
    public void Cgroups_that_were_made_below_go_with_it()
    {
        NeedCgroups(CgroupLayout.Read());
        string name = NewName();
        Cgroup outer = Cgroup.Create(name);
        Cgroup.Create(name + "/inner/most");
        Assert.True(outer.Delete());
        Assert.Null(Cgroup.Open(name));
    }

    [Fact]
    public void A_dead_process_cannot_join()
    {
        NeedCgroups(CgroupLayout.Read());
        Cgroup cgroup = Cgroup.Create(NewName());
        try
        {
            Assert.Equal(Errno.ESRCH, Assert.Throws<PlatformException>(() => cgroup.Join(Child.DeadPid())).Errno);
        }
        finally
        {
            Assert.True(cgroup.Delete());
        }
    }

    [Fact]
    public void A_process_is_always_somewhere_and_a_dead_one_nowhere()
    {
        Assert.Equal(Errno.ESRCH, Assert.Throws<PlatformException>(() => Cgroup.Of(Child.DeadPid())).Errno);
        Assert.StartsWith("/", Cgroup.Of(Environment.ProcessId).Name, StringComparison.Ordinal);
    }

    [Fact]
    public void The_root_cannot_be_deleted()
    {
        NeedCgroups(CgroupLayout.Read());
        Cgroup? root = Cgroup.Open("/");
        Assert.NotNull(root);
        Assert.Throws<InvalidOperationException>(() => root.Delete());
    }

    private static void LiveAndDie(CgroupLayout layout)
    {
        NeedCgroups(layout);
        string name = NewName();
        Cgroup cgroup = Cgroup.Create(layout, name);
        Child? child = null;
        try
        {
            child = Child.Sleeping();
            cgroup.Join(child.Pid);
            Assert.Equal([child.Pid], cgroup.Processes());
            Cgroup found = Cgroup.From(layout, File.ReadAllText($"/proc/{child.Pid}/cgroup"));
            Assert.Equal("/" + name, found.Name);
            Assert.Subset(found.ProcsFiles.ToHashSet(), cgroup.ProcsFiles.ToHashSet());
            Assert.False(cgroup.Delete(TimeSpan.Zero, CancellationToken.None));
            child.Kill();
            Assert.True(cgroup.Delete());
            Assert.Null(Cgroup.Open(layout, name));
        }
        finally
        {
            child?.Dispose();
            cgroup.Delete();
        }
    }

    private static async Task FreezeAndThaw(CgroupLayout layout)
    {
        NeedCgroups(layout);
        Cgroup cgroup = Cgroup.Create(layout, NewName());
        Child? child = null;
        try
        {
            child = Child.Start("sh", "-c", "while :; do read -r line || exit; echo $line; done");
            cgroup.Join(child.Pid);
            Assert.True(cgroup.Freeze(Patience, CancellationToken.None));
            Assert.True(cgroup.IsFrozen);
            await child.Input.WriteLineAsync("hello");
            await child.Input.FlushAsync();
            Task<string?> answer = child.Output.ReadLineAsync();
            await Task.Delay(200);
            Assert.False(answer.IsCompleted, "a frozen process does not answer");
            cgroup.Thaw();
            Assert.False(cgroup.IsFrozen);
            Assert.Equal("hello", await answer.WaitAsync(Patience));
        }
        finally
        {
            cgroup.Thaw();
            child?.Dispose();
            cgroup.Delete();
        }
    }

    private static CgroupLayout Only(bool unified) =>
        new([.. CgroupLayout.Read().Hierarchies.Where(hierarchy => hierarchy.IsUnified == unified)]);

    private static void NeedCgroups(CgroupLayout layout)
    {
        Need.Root();
        if (layout.Mode == CgroupMode.None)
        {
            Assert.Skip("this machine does not mount such cgroups");
        }
    }

    private static string NewName() => $"checkpointer-test-{Guid.NewGuid():N}";
}
