using System.Text.Json;
using Checkpointer.Engine.Containers;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Node.Cri;

/// <summary>
/// From what a runtime tells to the configuration of a container like it. Where both are told, the OCI specification says what really
/// runs (with the image's part), and CRI's configuration what can be asked for again (profiles, added capabilities).
/// </summary>
internal static class ContainerTemplates
{
    private const string HostNameVariable = "HOSTNAME";

    public static ContainerTemplate? Read(VerboseInfo container, VerboseInfo sandbox, PodSandboxStatus? pod)
    {
        var (spec, config) = (container.Spec, container.Config);
        if (spec.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var (process, linux) = (spec.Part("process"), spec.Part("linux"));
        var security = config.Part("linux", "security_context");
        var asked = sandbox.Config.Part("linux");
        var hasConfig = config.ValueKind == JsonValueKind.Object;
        var options = Namespaces(security, pod);
        var resources = linux.Part("resources");
        return new ContainerTemplate
        {
            Command = process.Part("args").Texts(),
            WorkingDirectory = process.Part("cwd").Text(),
            Environment = Environment(process.Part("env")),
            Tty = process.Part("terminal").Flag(),
            Stdin = config.Part("stdin").Flag(),
            ReadOnlyRoot = spec.Part("root", "readonly").Flag(),
            Privileged = container.Privileged,
            NoNewPrivileges = process.Part("noNewPrivileges").Flag(),
            User = process.Part("user", "uid").Number() ?? 0,
            Group = process.Part("user", "gid").Number() ?? 0,
            SupplementalGroups = [.. process.Part("user", "additionalGids").Items().Select(static g => g.Number()).OfType<long>()],
            AddCapabilities = hasConfig ? security.Part("capabilities", "add_capabilities").Texts() : Capabilities(process),
            DropCapabilities = hasConfig ? security.Part("capabilities", "drop_capabilities").Texts() : ["ALL"],
            MemoryLimit = Math.Max(0, resources.Part("memory", "limit").Number() ?? 0),
            CpuQuota = resources.Part("cpu", "quota").Number() ?? 0,
            CpuPeriod = resources.Part("cpu", "period").Number() ?? 0,
            CpuShares = resources.Part("cpu", "shares").Number() ?? 0,
            CpuSet = resources.Part("cpu", "cpus").Text(),
            MemorySet = resources.Part("cpu", "mems").Text(),
            OomScoreAdjustment = process.Part("oomScoreAdj").Number() ?? 0,
            Seccomp = hasConfig ? Profile(security.Part("seccomp")) : linux.Part("seccomp").ValueKind == JsonValueKind.Object ? "runtime-default" : null,
            AppArmor = Profile(security.Part("apparmor")),
            SELinux = Label(security.Part("selinux_options")) ?? process.Part("selinuxLabel").Text(),
            MaskedPaths = linux.Part("maskedPaths").Texts(),
            ReadOnlyPaths = linux.Part("readonlyPaths").Texts(),
            Sysctls = asked.Part("sysctls").Map(),
            CdiDevices = [.. config.Part("CDI_devices").Items().Select(static d => d.Part("name").Text()).OfType<string>()],
            Devices = Devices(hasConfig ? config.Part("devices") : default, hasConfig || container.Privileged ? default : linux.Part("devices")),
            PidMode = Mode(options.Pid),
            NetworkMode = Mode(options.Network),
            IpcMode = Mode(options.Ipc),
            HostName = sandbox.Config.Part("hostname").Text() ?? sandbox.Spec.Part("hostname").Text() ?? spec.Part("hostname").Text(),
            RuntimeHandler = pod?.RuntimeHandler is { Length: > 0 } handler ? handler : null,
            CgroupParent = asked.Part("cgroup_parent").Text(),
        };
    }

    private static Dictionary<string, string> Environment(JsonElement variables)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in variables.Texts())
        {
            var cut = text.IndexOf('=', StringComparison.Ordinal);
            if (cut > 0 && text[..cut] != HostNameVariable)
            {
                map[text[..cut]] = text[(cut + 1)..];
            }
        }

        return map;
    }

    private static IReadOnlyList<string> Capabilities(JsonElement process)
    {
        const string Prefix = "CAP_";
        return
        [
            .. process.Part("capabilities", "bounding").Texts()
                .Select(static c => c.StartsWith(Prefix, StringComparison.Ordinal) ? c[Prefix.Length..] : c),
        ];
    }

    private static IReadOnlyList<ContainerVolume> Devices(JsonElement asked, JsonElement made)
    {
        var devices = asked.Items()
            .Select(static d => (In: d.Part("container_path").Text(), On: d.Part("host_path").Text(), Rights: d.Part("permissions").Text() ?? "rwm"));
        var nodes = made.Items().Select(static d => (In: d.Part("path").Text(), On: d.Part("path").Text(), Rights: "rwm"));
        return
        [
            .. devices.Concat(nodes).Where(static d => d is { In: not null, On: not null })
                .Select(static d => new ContainerVolume(d.In!, d.On!, !d.Rights.Contains('w', StringComparison.Ordinal))),
        ];
    }

    /// <summary>Enumerations stand as numbers, and zero is left out.</summary>
    private static string? Profile(JsonElement profile) => profile.ValueKind != JsonValueKind.Object ? null
        : (SecurityProfile.Types.ProfileType)(profile.Part("profile_type").Number() ?? 0) switch
        {
            SecurityProfile.Types.ProfileType.RuntimeDefault => "runtime-default",
            SecurityProfile.Types.ProfileType.Localhost => $"localhost/{profile.Part("localhost_ref").Text()}",
            _ => "unconfined",
        };

    private static string? Label(JsonElement options) => options.ValueKind != JsonValueKind.Object ? null
        : string.Join(':', new[] { "user", "role", "type", "level" }.Select(name => options.Part(name).Text()));

    private static NamespaceOption Namespaces(JsonElement security, PodSandboxStatus? pod)
    {
        var options = security.Part("namespace_options");
        return options.ValueKind != JsonValueKind.Object
            ? pod?.Linux?.Namespaces?.Options ?? new NamespaceOption()
            : new NamespaceOption { Network = Of("network"), Pid = Of("pid"), Ipc = Of("ipc") };

        NamespaceMode Of(string name) => (NamespaceMode)(options.Part(name).Number() ?? 0);
    }

    private static string Mode(NamespaceMode mode) => mode switch
    {
        NamespaceMode.Pod => "pod",
        NamespaceMode.Node => "node",
        NamespaceMode.Target => "target",
        _ => "container",
    };
}
