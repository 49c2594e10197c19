using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Gpu;
using Checkpointer.Node;
using Checkpointer.Node.Client;

namespace Checkpointer.Cli.Verbs;

/// <summary>Shows what this node offers to a restore, and its service.</summary>
internal sealed class NodeShowVerb() : Verb("show", "Show what this node offers, and its service.")
{
    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Shows what counts when a snapshot is to be restored here: processor, kernel, memory, CRIU, GPUs. "
                + "Where the node service listens, its state is shown as well.",
        ],
        Examples = [new("This node:", "checkpointer node show")],
        ExitCodes = [HelpParts.Done, HelpParts.Failed, HelpParts.Usage],
        Globals = ["--socket"],
        Environment = [HelpParts.Socket, HelpParts.Criu, HelpParts.NvmlLibrary, HelpParts.Debug],
        Json = "hostName, architecture, kernelRelease, cpuModel, cpuFlags, memoryTotal, memoryAvailable, cgroupMode, overcommitMemory, "
            + "criu (path, version), criuProblem, gpus (driver, cuda, gpus, error), service",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        CriuInstallation? criu = null;
        string? problem = null;
        try
        {
            criu = await CriuLocator.FindAsync(context.Settings.CriuPath, cancellationToken).ConfigureAwait(false);
        }
        catch (HostException e)
        {
            // No CRIU is something to show here, not a failure of showing.
            problem = e.Message;
        }

        var service = await ServiceAsync(context, cancellationToken).ConfigureAwait(false);
        var found = criu is null ? null : new CriuOutput(criu.Path, criu.Version.ToString());
        var gpus = await GpuNodeInventory.ReadAsync(
            new EngineOptions { Gpu = new GpuOptions { NvmlLibrary = context.Settings.NvmlLibrary } }, context.Host.Time, cancellationToken).ConfigureAwait(false);
        var output = NodeOutput.Of(NodeProfile.Read(criu), found, problem, service) with { Gpus = gpus };
        if (context.Settings.Json)
        {
            context.PrintJson(output, CliJson.Default.NodeOutput);
            return (int)ExitCode.Done;
        }

        foreach (var line in Columns.Pairs(
            ("host", output.HostName),
            ("architecture", output.Architecture),
            ("processor", $"{output.CpuModel} ({output.CpuFlags.Count} flags)"),
            ("kernel", output.KernelRelease),
            ("memory", $"{ByteSize.Format(output.MemoryTotal)}, {ByteSize.Format(output.MemoryAvailable)} available"),
            ("cgroups", output.CgroupMode),
            ("CRIU", output.Criu is { } c ? $"{c.Version} ({c.Path})" : $"none: {output.CriuProblem}"),
            ("GPUs", GpuText.Summary(gpus)),
            ("service", service is null ? $"none on {context.Settings.Socket}" : Service(service))))
        {
            context.Print(line);
        }

        foreach (var line in GpuText.Lines(gpus))
        {
            context.Print(line);
        }

        return (int)ExitCode.Done;
    }

    private static string Service(NodeResource service)
    {
        var budget = service.Budget;
        return $"{service.State}, version {service.Version}, {budget.Running} running, {budget.Queued} queued, "
            + $"{ByteSize.Format(budget.BytesInUse)} of {ByteSize.Format(budget.TotalBytes)} in use";
    }

    private static async Task<NodeResource?> ServiceAsync(VerbContext context, CancellationToken cancellationToken)
    {
        if (!context.Host.ServiceAnswers(context.Settings.Socket))
        {
            return null;
        }

        using var client = new NodeClient(context.Settings.Socket);
        return await client.GetNodeAsync(cancellationToken).ConfigureAwait(false);
    }
}
