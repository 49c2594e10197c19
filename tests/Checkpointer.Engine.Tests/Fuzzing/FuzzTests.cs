using System.Text;
using System.Text.Json;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Images;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Restoring;
using Checkpointer.Engine.Streaming;
using Checkpointer.Engine.Tests.Images;
using Checkpointer.Testing;

namespace Checkpointer.Engine.Tests.Fuzzing;

/// <summary>What CRIU, images and manifests say: read within bounds, or refused with an error that is meant.</summary>
public sealed class FuzzTests
{
    [Fact]
    public void Requests_on_the_control_socket()
    {
        byte[] request = [0x0a, 13, .. "inventory.img"u8];
        byte[] longest = [0x0a, 0xff, 0x01, .. Encoding.ASCII.GetBytes(new string('a', 255))];
        new global::Checkpointer.Testing.Fuzzing(request, longest).Run(input =>
        {
            try
            {
                var name = ControlMessages.ParseRequest(input);
                Assert.True(ImageDirectory.IsSafeName(name) || name == ImageDirectory.FileName);
                Assert.InRange(name.Length, 1, 255);
                if (input.Length >= 4)
                {
                    Assert.InRange(ControlMessages.ParseLength(input), 3, ControlMessages.MaxRequestBytes);
                }
            }
            catch (OperationFailedException e)
            {
                Assert.Equal("stream-protocol", e.Code);
            }
        });
    }

    [Fact]
    public void Images_and_statistics_of_CRIU()
    {
        var dump = Convert.FromHexString("4059105506330957250000000a2308810410b2960218eb29208316289c0e300038b90d4000480050085808600068007000");
        var restore = Convert.FromHexString("40591055063309570f000000120d08001000180520af8b0528b90d");
        new global::Checkpointer.Testing.Fuzzing(dump, restore).Run(input =>
        {
            CriuStats.ParseDump(input);
            CriuStats.ParseRestore(input);
        });
        var inventory = ImageDescriptionTests.Image(CriuImage.InventoryMagic, [0x08, 2]);
        var tree = ImageDescriptionTests.Image(CriuImage.ProcessTreeMagic, [0x08, 7, 0x20, 7, 0x28, 7], [0x08, 8, 0x10, 7, 0x28, 8]);
        var core = ImageDescriptionTests.Image(CriuImage.CoreMagic, [0x08, 1, 0x1a, 7, 0x08, 1, 0x32, 3, (byte)'a', 0x1b, (byte)'b']);
        new global::Checkpointer.Testing.Fuzzing(inventory, tree, core).Run(input =>
        {
            // Each as each of the three files.
            foreach (var which in (int[])[0, 1, 2])
            {
                try
                {
                    var read = ImageDescription.Read(name => name switch
                    {
                        "inventory.img" => which == 0 ? input : inventory,
                        "pstree.img" => which == 1 ? input : tree,
                        _ => which == 2 ? input : core,
                    });
                    Assert.True(read.RootPid > 0 && read.ThreadIds.Count > 0 && !read.Command.Any(char.IsControl));
                }
                catch (UsageException e)
                {
                    Assert.Equal("not-images", e.Code);
                }
            }

            Assert.Equal(input.Length, TtyInfoImage.WithoutForeignSessions(input, new HashSet<int> { 1 }).Length);
            Assert.Equal(input.Length, TimerImage.WithExpiredTimersArmed(input).Length);
            Assert.Equal(input.Length, MountsImage.WithoutDeletedSources(input).Length);
        });
    }

    [Fact]
    public void Records_of_workloads()
    {
        WorkloadRecord record = new()
        {
            RootPid = 7,
            Command = "c",
            Processes = 1,
            Requirement = new Requirement
            {
                Architecture = "x86_64",
                CpuFlags = ["avx"],
                CpuModel = "m",
                KernelRelease = "6.1.0",
                MemoryBytes = 1 << 20,
                ThreadIds = [7, 8],
                CgroupMode = "v2",
                MappedFiles = [new MappedFile("/nowhere/a", 1, "ab")],
                OpenFiles = [new OpenFile("/nowhere/b", 1, 2, true, true)],
                OutsideEnds =
                [
                    new StdioEnd
                    {
                        Kind = StdioKind.Pipe,
                        Direction = StdioDirection.Write,
                        Key = "pipe:[12]",
                        Descriptors = [new FdReference(7, 1)],
                        Description = "pipe:[12]",
                    },
                ],
                Connections = [new TcpConnection("127.0.0.1:1", "127.0.0.1:2", true)],
                Listening = [new ListeningAddress("tcp", "127.0.0.1:1")],
                Directories = ["/"],
            },
            Options = new TreeOptions { External = ["tty[8803:2d]"] },
            StateFiles =
            [
                new StateFile
                {
                    Path = "/nowhere/c",
                    Content = "state-1",
                    Size = 1,
                    Mode = 0x1a4,
                    Uid = 1,
                    Gid = 1,
                    ModifiedNanoseconds = 1,
                    OnTmpfs = true,
                },
            ],
            StateDirectories = [new StateDirectory("/nowhere", 0x1ed, 0, 0)],
        };
        var profile = NodeProfile.Read(null);
        var json = JsonSerializer.SerializeToUtf8Bytes(record.ToJson());
        new global::Checkpointer.Testing.Fuzzing(json) { Allowance = 32 << 20 }.Run(input =>
        {
            try
            {
                var read = WorkloadRecord.Read(JsonDocument.Parse(input).RootElement, "x");
                FileWriteBack files = new(read.StateFiles, read.StateDirectories);
                files.Check();
                CompatibilityCheck.Check(
                    read.Requirement, profile, new RestoreTarget { Carried = read.StateFiles.Select(static f => f.Path).ToHashSet(StringComparer.Ordinal) });
                StdioMapping.Arguments(read.Requirement.OutsideEnds, new RestoreRequest { Repository = "/r", KeyFile = "/k", Snapshot = "x" });
                Assert.All(read.Options.RestoreArguments(closeTcp: true), a => Assert.False(a.Contains('\0', StringComparison.Ordinal)));
            }
            catch (Exception e) when (e is JsonException or CheckpointerException)
            {
                // Refused as it should be: the text is no JSON, or an error with a code.
            }
        });
    }
}
