using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Gpu;

namespace Checkpointer.Engine;

/// <summary>The JSON reader lets nulls into what is never null, whatever the types say: a record that has one is no record.</summary>
internal static class WorkloadShape
{
    public static bool IsWhole(WorkloadRecord record)
    {
        return record is { Command: not null, Kind: not null, Requirement: not null, Options: not null, StateFiles: not null, StateDirectories: not null }
            && record.StateFiles.TrueForAll(static f => f is { Path: not null, Content: not null })
            && record.StateDirectories.TrueForAll(static d => d is { Path: not null })
            && (record.Container is null || IsWhole(record.Container))
            && (record.Pod is null || IsWhole(record.Pod))
            && (record.Gpu is null || IsWhole(record.Gpu))
            && IsWhole(record.Requirement)
            && IsWhole(record.Options);
    }

    private static bool IsWhole(GpuRecord record) =>
        record is { Devices: not null, Processes: not null }
        && record.Devices.TrueForAll(static d => d is { Uuid: not null, Name: not null, Capability: not null })
        && record.Processes.TrueForAll(static p => p is { Devices: not null });

    /// <summary>Members are containers and no pods: a record has no depth.</summary>
    private static bool IsWhole(PodPart pod) =>
        pod is { Name: not null, Members.Count: > 0 and <= PodPart.MostMembers, Shared: not null }
        && pod.Members.Select(static (m, i) => m is { Workload: { Container: not null, Pod: null } workload } && m.Prefix == PodMember.PrefixOf(i) && IsWhole(workload)).All(static whole => whole)
        && pod.Members.Select(static m => m.Name).Distinct(StringComparer.Ordinal).Count() == pod.Members.Count
        && pod.Shared.TrueForAll(static s => s is { Places: not null } && s.Places.TrueForAll(static p => p is { Container: not null, Destination: not null }));

    private static bool IsWhole(Compatibility.Requirement requirement)
    {
        object?[] parts =
        [
            requirement.Architecture, requirement.CpuFlags, requirement.CpuModel, requirement.KernelRelease, requirement.ThreadIds, requirement.CgroupMode,
            requirement.MappedFiles, requirement.OpenFiles, requirement.OutsideEnds, requirement.Connections, requirement.Listening, requirement.Directories,
        ];
        return Array.TrueForAll(parts, static part => part is not null)
            && requirement.CpuFlags.All(static f => f is not null)
            && requirement.MappedFiles.All(static f => f is { Path: not null })
            && requirement.OpenFiles.All(static f => f is { Path: not null })
            && requirement.OutsideEnds.All(static e => e is { Key: not null, Description: not null, Descriptors: not null } && e.Descriptors.All(static d => d is not null))
            && requirement.Connections.All(static c => c is { Local: not null, Remote: not null })
            && requirement.Listening.All(static l => l is { Protocol: not null, Address: not null })
            && requirement.Directories.All(static d => d is not null);
    }

    private static bool IsWhole(TreeOptions options) =>
        options is { CpuCapability: not null, NetworkLock: not null, ManageCgroups: not null, External: not null } && options.External.All(static e => e is not null);

    private static bool IsWhole(ContainerPart part) =>
        part is { Mounts: not null, FileTrees: not null, Uncovered: not null, Record: { Id: not null, Name: not null, Image: not null, Runtime: not null } }
        && part.Record is { Volumes: not null, Labels: not null, Annotations: not null }
        && part.Record.Volumes.All(static v => v is { Destination: not null, Source: not null })
        && part.Mounts.TrueForAll(static m => m is { Destination: not null, FileSystem: not null } && m.HasPlausibleKey)
        && part.FileTrees.TrueForAll(static t => t is { MountPoint: not null, Index: not null, Content: not null })
        && part.Uncovered.TrueForAll(static u => u is not null);
}
