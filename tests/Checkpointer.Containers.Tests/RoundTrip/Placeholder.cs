namespace Checkpointer.Containers.Tests;

/// <summary>A container that waits for its restore: the same image and options as the workload's, another first process.</summary>
internal static class Placeholder
{
    private const string Init = "/.checkpointer/init";
    private const int DeadlineSeconds = 300;

    internal static ContainerOptions Of(ContainerOptions options, params string[] hold) => options with
    {
        Command = [Init, "hold", "--deadline", $"{DeadlineSeconds}", .. hold],
        Mounts = [.. options.Mounts, new BindMount(Path.Combine(Installation.Bin, "checkpointer-init"), Init, ReadOnly: true)],
    };
}
