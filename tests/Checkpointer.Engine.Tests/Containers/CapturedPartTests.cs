using Checkpointer.Engine.Containers;
using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Engine.Tests.FileState.Trees;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Containers;

/// <summary>A container decides what lies above its mounts; it must not decide what is read.</summary>
public sealed class CapturedPartTests : IDisposable
{
    private readonly MountedDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public void The_mount_that_was_inspected_is_opened()
    {
        var part = Inspect("root/data/etc");
        using var directory = part.Open();
        Assert.True(Nodes.Status(directory).IsMountRoot);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/other")]
    [InlineData("../../../../..")]
    public void A_link_in_the_place_of_a_directory_above_leads_nowhere(string target)
    {
        var part = Inspect("root/data/etc");
        _place.Make("root/etc");
        _place.Tmpfs("root/other/etc");
        var data = Path.Combine(_place.Path, "root/data");
        Directory.Move(data, data + "-moved");
        try
        {
            File.CreateSymbolicLink(data, target);
            Assert.Equal("mount-changed", Assert.Throws<OperationFailedException>(() => part.Open()).Code);
        }
        finally
        {
            File.Delete(data);
            Directory.Move(data + "-moved", data);
        }
    }

    private CapturedPart Inspect(string name)
    {
        var mounted = _place.Tmpfs(name);
        var id = ProcMountInfo.ReadAll(Environment.ProcessId).Single(m => m.MountPoint == mounted).Id;
        return new CapturedPart("/data/etc", FileTreeKind.Directory, Path.Combine(_place.Path, "root"), id);
    }
}
