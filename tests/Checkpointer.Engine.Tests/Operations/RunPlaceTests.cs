using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests;

public sealed class RunPlaceTests
{
    [Fact]
    public void A_run_directory_on_a_disk_keeps_what_lies_in_it()
    {
        var run = Directory.CreateTempSubdirectory("ckrun").FullName;
        try
        {
            if (FileSystems.IsTmpfs(run))
            {
                Assert.Skip("/tmp is a tmpfs here, so nothing needs to be mounted.");
            }

            File.WriteAllText(Path.Combine(run, "node.sock"), "the service's socket");

            var place = RunPlace.Prepare(run);
            var again = RunPlace.Prepare(run);

            Assert.True(FileSystems.IsTmpfs(place));
            Assert.Equal(place, again);
            Assert.True(File.Exists(Path.Combine(run, "node.sock")));
            Mounts.Unmount(place);
            Assert.False(Mounts.IsMountPoint(place));
        }
        finally
        {
            Directory.Delete(run, recursive: true);
        }
    }

    [Fact]
    public void A_run_directory_on_a_tmpfs_is_used_as_it_is()
    {
        var run = Path.Combine("/dev/shm", $"ckrun{Environment.ProcessId}");
        Directory.CreateDirectory(run);
        try
        {
            Assert.Equal(run, RunPlace.Prepare(run));
        }
        finally
        {
            Directory.Delete(run, recursive: true);
        }
    }
}
