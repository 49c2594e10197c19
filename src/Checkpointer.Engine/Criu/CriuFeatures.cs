using CliWrap;

namespace Checkpointer.Engine.Criu;

/// <summary>Asks CRIU what this kernel lets it do (<c>criu check --feature</c>).</summary>
public static class CriuFeatures
{
    /// <summary>Needed for trees with connections: the network is stopped by nftables rules.</summary>
    public const string NetworkLockNftables = "network_lock_nftables";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30); // a check probes the kernel, and forks

    /// <summary>True when CRIU says that the feature is there; false when not, or when CRIU is too old to know it.</summary>
    /// <exception cref="HostException">Code <c>criu-broken</c>: CRIU did not answer in time.</exception>
    public static async Task<bool> HasAsync(CriuInstallation criu, string feature, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            CommandResult result = await Cli.Wrap(criu.Path)
                .WithArguments(["check", "--no-default-config", "--feature", feature])
                .WithEnvironmentVariables(CriuEnvironment.Build([]))
                .WithValidation(CommandResultValidation.None)
                .ExecuteAsync(deadline.Token)
                .ConfigureAwait(false);
            return result.ExitCode == 0;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HostException("criu-broken", $"{criu.Path} did not answer within {Deadline.TotalSeconds} s", "check the installation of CRIU");
        }
    }

    /// <summary>What these options need and CRIU cannot do here: findings for the verdict of a checkpoint.</summary>
    public static async Task<IReadOnlyList<Finding>> MissingAsync(CriuInstallation criu, TreeOptions options, CancellationToken cancellationToken)
    {
        bool needed = options.TcpEstablished && options.NetworkLock == "nftables";
        return !needed || await HasAsync(criu, NetworkLockNftables, cancellationToken).ConfigureAwait(false)
            ? []
            : [new Finding("network-lock-missing", FindingSeverity.Blocker, "nftables", "CRIU cannot use it on this kernel", "nftables, to stop the network while connections are dumped",
                "load the kernel module nf_tables, and use a CRIU that was built with nftables")];
    }
}
