using System.Security.Cryptography;

namespace Checkpointer.Containers.Tests;

/// <summary>A container with many bytes in its files: they are stored before it is frozen, and what it writes until then is what travels.</summary>
public sealed class LargeFilesTests(TwoNodes nodes)
{
    private const int Bytes = 40 << 20;

    private static readonly MatrixRow Row = MatrixRow.Named("emptyDir");

    [Fact]
    public async Task Large_files_are_stored_before_the_freeze_and_are_right_afterwards()
    {
        await using var from = await TestPod.StartAsync(nodes.A, "from");
        var before = await Workload.StartAsync(from, Row.On(nodes.A, from.Name));
        var content = RandomNumberGenerator.GetBytes(Bytes);
        await File.WriteAllBytesAsync(In(before, "/large"), content, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(In(before, "/cache/large"), content.AsMemory(1), TestContext.Current.CancellationToken);
        var running = await before.Container.CheckpointAsync("--leave-running", "--name", from.Name);
        Assert.True(running.GetProperty("timings").TryGetProperty("files", out _), running.GetRawText());
        Assert.InRange(running.GetProperty("bytesCaptured").GetInt64(), 2L * Bytes, 3L * Bytes);

        // The second one of the lineage finds in its parent what did not change.
        content[Bytes / 2] ^= 1;
        await File.WriteAllBytesAsync(In(before, "/cache/large"), content, TestContext.Current.CancellationToken);
        var final = await before.Container.CheckpointAsync("--name", from.Name);
        Assert.InRange(final.GetProperty("bytesStored").GetInt64(), 1, Bytes / 2);

        await using var to = await TestPod.StartAsync(nodes.B, "to");
        var after = await to.RestoreAsync(Row.On(nodes.B, to.Name), final.Snapshot());
        await after.MustTickAsync();
        await after.VerifyAsync();
        Assert.True((await File.ReadAllBytesAsync(In(after, "/cache/large"), TestContext.Current.CancellationToken)).SequenceEqual(content), "the emptyDir's file");
        content[Bytes / 2] ^= 1;
        Assert.True((await File.ReadAllBytesAsync(In(after, "/large"), TestContext.Current.CancellationToken)).SequenceEqual(content), "the file beside the image's");
    }

    private static string In(Workload workload, string path) => $"/proc/{workload.Container.HostPid}/root{path}";
}
