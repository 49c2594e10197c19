using System.IO.MemoryMappedFiles;

namespace Checkpointer.Integration.Tests;

/// <summary>Files on tmpfs travel with the snapshot, whatever became of them since.</summary>
public sealed class StateFileTests
{
    private const byte Then = 0x11;
    private const byte Later = 0x22;

    /// <summary>Maps a file and then only waits.</summary>
    private const string Program = "import mmap, sys, time\nf = open(sys.argv[1], 'r+b')\nm = mmap.mmap(f.fileno(), 0)\nopen(sys.argv[1] + '.ready', 'w').close()\nwhile True: time.sleep(0.1)";

    [Fact]
    public async Task A_mapped_file_that_changed_after_the_snapshot_is_as_it_was_in_the_snapshot()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var folder = Path.Combine(lab.Directory, "shm");
        await lab.MountTmpfsAsync(folder, "1m");
        var file = Path.Combine(folder, "mapped");
        await File.WriteAllBytesAsync(file, new byte[8192], TestContext.Current.CancellationToken);
        Snapshot snapshot;
        int pid;
        using (var map = MemoryMappedFile.CreateFromFile(file, FileMode.Open))
        using (var view = map.CreateViewAccessor())
        {
            view.Write(0, Then);
            pid = await lab.StartAsync(Path.Combine(lab.Directory, "mapper.out"), Installation.NeedProgram("python3"), "-c", Program, file);
            await Eventually.TrueAsync("the mapping", TimeSpan.FromSeconds(60), () => File.Exists(file + ".ready"));

            snapshot = await lab.CheckpointAsync(pid, "--leave-running");
            var changed = File.GetLastWriteTimeUtc(file);
            view.Write(0, Later);
            Assert.Equal(changed, File.GetLastWriteTimeUtc(file)); // nothing but the content tells
        }

        await Signals.KillAsync(pid);
        await lab.RestoreAsync(snapshot.Id);

        Assert.Equal(Then, Read(file));
    }

    private static byte Read(string path)
    {
        using var map = MemoryMappedFile.CreateFromFile(path, FileMode.Open);
        using var view = map.CreateViewAccessor();
        return view.ReadByte(0);
    }
}
