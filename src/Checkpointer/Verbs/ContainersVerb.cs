using System.CommandLine;
using Checkpointer.Cli.Errors;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Cli.Running;
using Checkpointer.Engine.Containers;
using Checkpointer.Node;

namespace Checkpointer.Cli.Verbs;

/// <summary>Lists the containers of this node's runtime.</summary>
internal sealed class ContainersVerb : Verb
{
    /// <summary>Questions to the runtime at once: each is short, and it has its own work to do.</summary>
    private const int MaxParallel = 4;

    private readonly Option<string> _endpoint = RuntimeChoice.NewOption();
    private readonly Option<bool> _all = OptionKinds.Flag("--all", "Also those that do not run.");
    private readonly Option<bool> _quick = OptionKinds.Flag("--quick", "Do not look whether each can be checkpointed.");

    public ContainersVerb()
        : base("containers", "List the containers of this node.")
    {
        Options.Add(_endpoint);
        Options.Add(_all);
        Options.Add(_quick);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Lists the containers of the container runtime (containerd 1.6 or newer, CRI-O), with the pod, the first process and what they use. "
                + "MEMORY is what a checkpoint has to move: anonymous, shared and swapped memory, counted once a process. "
                + "GPU says whether a process has a GPU's device file open or has loaded the CUDA driver. "
                + "CHECKPOINTABLE is the verdict of 'preflight --container', with what refuses first; --quick leaves it out.",
            "The runtime is the first that answers at a usual socket (containerd, k3s and RKE2, CRI-O, cri-dockerd, MicroK8s), "
                + "unless --runtime-endpoint, the variable or runtimeEndpoint in the node service's configuration names one. "
                + "Nothing is changed. Needs root.",
        ],
        Examples =
        [
            new("What runs:", "checkpointer containers"),
            new("With CRI-O beside containerd:", "checkpointer containers --runtime-endpoint /run/crio/crio.sock"),
            new("Those that use a GPU:", "checkpointer containers --json | jq -r '.containers[] | select(.gpu) | .id'"),
        ],
        ExitCodes =
        [
            HelpParts.Done,
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Environment, "not root, or no container runtime answers"),
            HelpParts.Cancelled,
        ],
        Environment = [HelpParts.RuntimeEndpoint, HelpParts.Criu, HelpParts.CudaLibrary, HelpParts.NvmlLibrary, HelpParts.Debug],
        Json = "containers, each with id, name, pod, namespace, image, imageDigest, state, created, runtime, pid, processes, memoryBytes, "
            + "gpu, checkpointable, finding, problem",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        context.RequireRoot("containers");
        var settings = RuntimeChoice.Apply(context, _endpoint);
        var runtime = context.Host.Containers(settings, context.Host);
        using var owned = runtime as IDisposable;
        var all = await runtime.ListAsync(cancellationToken).ConfigureAwait(false);
        var shown = all.Where(c => context.Parse.GetValue(_all) || c.State == "running")
            .OrderBy(c => c.Label, StringComparer.Ordinal).ThenBy(c => c.Created).ToList();
        var judged = !context.Parse.GetValue(_quick);
        var engine = context.Host.Embedded(settings, context.Host);
        ContainerOutput[] outputs;
        await using (engine.ConfigureAwait(false))
        {
            outputs = await LookAsync(runtime, judged ? engine : null, shown, cancellationToken).ConfigureAwait(false);
        }

        if (context.Settings.Json)
        {
            context.PrintJson(new ContainersOutput { Containers = outputs }, CliJson.Default.ContainersOutput);
        }
        else if (outputs.Length == 0)
        {
            context.Explain(all.Count == 0 ? "no containers" : $"no container runs; --all shows {all.Count} that do not");
        }
        else
        {
            foreach (var line in ContainerText.Lines(outputs, context.Host.Time.GetUtcNow(), judged))
            {
                context.Print(line);
            }

            foreach (var output in outputs.Where(static o => o.Problem is not null))
            {
                context.Explain(ErrorText.OneLine($"warning: {output.Problem}"));
            }
        }

        return (int)ExitCode.Done;
    }

    private static async Task<ContainerOutput[]> LookAsync(
        IContainerRuntime runtime, IRunner? engine, IReadOnlyList<ContainerSummary> shown, CancellationToken cancellationToken)
    {
        var usage = new ContainerUsageReader();
        var outputs = shown.Select(ContainerOutput.Of).ToArray();
        var options = new ParallelOptions { MaxDegreeOfParallelism = MaxParallel, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, outputs.Length, options, async (i, token) =>
        {
            if (outputs[i].State != "running")
            {
                return;
            }

            try
            {
                var record = await runtime.InspectAsync(shown[i], token).ConfigureAwait(false);
                outputs[i] = outputs[i].With(record, usage.Read(record.Pid));
                if (engine is not null)
                {
                    var report = await engine.PreflightAsync(new PreflightRequest { Container = record.Id }, token).ConfigureAwait(false);
                    outputs[i] = outputs[i].With(new Verdict(report.Findings));
                }
            }
            catch (CheckpointerException e)
            {
                // One that ended meanwhile, or that the runtime tells too little of, takes nothing from the others.
                outputs[i] = outputs[i] with { Problem = e.Message };
            }
        }).ConfigureAwait(false);
        return outputs;
    }
}
