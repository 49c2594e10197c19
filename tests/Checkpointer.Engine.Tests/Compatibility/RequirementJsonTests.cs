using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Preflight;

namespace Checkpointer.Engine.Tests.Compatibility;

/// <summary>Requirements and options are persisted in manifests: what was written once must stay readable.</summary>
public sealed class RequirementJsonTests
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.Never };

    private const string Stored = """
        {"architecture":"x86_64","cpuFlags":["avx"],"cpuModel":"m","kernelRelease":"6.1","criuVersion":"4.2.1","memoryBytes":5,"threadIds":[7,8],
        "ownPidNamespace":true,"cgroupMode":"v2","needsOvercommit":true,"largestMapping":1,"privateBytes":2,
        "mappedFiles":[{"path":"/a","size":3,"buildId":"ff"}],"openFiles":[{"path":"/b","size":4,"modifiedNanoseconds":5,"writable":true,"sizeChecked":false}],
        "outsideEnds":[{"kind":"Pipe","direction":"Write","key":"pipe:[1]","descriptors":[{"pid":7,"fd":1}],"description":"pipe:[1]"}],
        "connections":[{"local":"1.2.3.4:5","remote":"1.2.3.4:6","peerInside":true}],"listening":[{"protocol":"tcp","address":"0.0.0.0:80"}],"directories":["/"]}
        """;

    private const string StoredOptions = """
        {"tcpEstablished":true,"skipInFlight":false,"fileLocks":true,"shellJob":false,"extUnixSk":true,"linkRemap":false,"ghostLimit":1048576,
        "cpuCapability":"fpu,ins","networkLock":"nftables","manageCgroups":"full","external":["tty[8800:19]"]}
        """;

    [Fact]
    public void A_stored_requirement_stays_readable()
    {
        Requirement read = JsonSerializer.Deserialize<Requirement>(Stored, Options)!;

        Assert.Equal([7, 8], read.ThreadIds);
        Assert.True(read.OwnPidNamespace);
        Assert.Equal("ff", read.MappedFiles[0].BuildId);
        Assert.False(read.OpenFiles[0].SizeChecked);
        Assert.Equal(StdioDirection.Write, read.OutsideEnds[0].Direction);
        Assert.True(read.OutsideEnds[0].IsFd(1));
        Assert.Equal(Minified(Stored), JsonSerializer.Serialize(read, Options));
    }

    [Fact]
    public void Stored_options_stay_readable()
    {
        TreeOptions read = JsonSerializer.Deserialize<TreeOptions>(StoredOptions, Options)!;

        Assert.True(read.TcpEstablished);
        Assert.Equal(["tty[8800:19]"], read.External);
        Assert.Equal(Minified(StoredOptions), JsonSerializer.Serialize(read, Options));
    }

    [Fact]
    public void Options_from_before_there_was_a_cgroup_mode_ignore_cgroups()
    {
        string before = StoredOptions.Replace("\"manageCgroups\":\"full\",", "", StringComparison.Ordinal);

        Assert.Equal("ignore", JsonSerializer.Deserialize<TreeOptions>(before, Options)!.ManageCgroups);
    }

    private static string Minified(string json)
    {
        return JsonSerializer.Serialize(JsonSerializer.Deserialize<JsonElement>(json), Options);
    }
}
