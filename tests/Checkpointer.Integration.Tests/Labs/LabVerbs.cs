using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>The two verbs that most tests use, with what the command line promises checked.</summary>
internal static class LabVerbs
{
    /// <summary>Checkpoints and wants success. The workload must be gone afterwards, or run on with --leave-running.</summary>
    internal static async Task<Snapshot> CheckpointAsync(this Lab lab, int pid, params string[] more)
    {
        string[] arguments = ["checkpoint", "--pid", pid.ToString(CultureInfo.InvariantCulture), "--embedded", "--json", .. more];
        var json = (await lab.CheckpointerAsync(arguments)).MustSucceed().Json;
        var running = more.Contains("--leave-running");
        Assert.True(json.GetProperty("durable").GetBoolean());
        Assert.Equal(running, json.GetProperty("workloadRunning").GetBoolean());
        Assert.Equal(running, Processes.IsAlive(pid));
        return new Snapshot(
            json.GetProperty("snapshot").GetString()!,
            json.GetProperty("lineage").GetString()!,
            json.GetProperty("generation").GetInt64(),
            json.GetProperty("bytesCaptured").GetInt64(),
            json.GetProperty("bytesStored").GetInt64(),
            json.GetProperty("frozenMs").GetDouble())
        {
            Parent = json.GetProperty("parent").GetString(),
            BytesReused = json.GetProperty("bytesReused").GetInt64(),
            Findings = [.. json.GetProperty("findings").EnumerateArray().Select(static f => f.GetProperty("code").GetString()!)],
        };
    }

    /// <summary>Restores and wants success: the pid of the tree's root as this process sees it. The lab ends it.</summary>
    internal static async Task<Restored> RestoreAsync(this Lab lab, string snapshot, params string[] more)
    {
        string[] arguments = ["restore", snapshot, "--embedded", "--json", .. more];
        var json = (await lab.CheckpointerAsync(arguments)).MustSucceed().Json;
        var pid = json.GetProperty("pid").GetInt32();
        Assert.True(Processes.IsAlive(pid), $"the restored root {pid} does not run");
        lab.Track(pid);
        return new Restored(pid, json.GetProperty("log").GetString()!);
    }
}

/// <summary>What <c>checkpoint --json</c> said.</summary>
internal sealed record Snapshot(string Id, string Lineage, long Generation, long BytesCaptured, long BytesStored, double FrozenMs)
{
    internal string? Parent { get; init; }

    internal long BytesReused { get; init; }

    /// <summary>Codes.</summary>
    internal IReadOnlyList<string> Findings { get; init; } = [];
}

/// <summary>What <c>restore --json</c> said.</summary>
internal sealed record Restored(int Pid, string Log);
