using System.Text.RegularExpressions;
using CliWrap;
using CliWrap.Buffered;

namespace Checkpointer.Engine.Criu;

/// <summary>Finds a usable CRIU.</summary>
public static partial class CriuLocator
{
    /// <summary>Names a CRIU and ends the search, like the explicit path.</summary>
    public const string Variable = "CHECKPOINTER_CRIU";

    /// <summary>Older versions cannot stream on current kernels, or cannot dump inet sockets there.</summary>
    public static readonly Version MinimumVersion = new(4, 2);

    private static readonly TimeSpan VersionDeadline = TimeSpan.FromSeconds(20); // a cold start from a slow disk

    private const string Remedy = "install CRIU 4.2 or newer, or name one by " + Variable;

    /// <summary>The CRIU that is named, or the first of the usual places that is new enough.</summary>
    /// <exception cref="HostException">Codes <c>no-criu</c>, <c>criu-too-old</c>, <c>criu-broken</c>.</exception>
    public static async Task<CriuInstallation> FindAsync(string? explicitPath, CancellationToken cancellationToken)
    {
        string? named = string.IsNullOrEmpty(explicitPath) ? Environment.GetEnvironmentVariable(Variable) : explicitPath;
        if (!string.IsNullOrEmpty(named))
        {
            return File.Exists(named)
                ? Accept(await ProbeAsync(Path.GetFullPath(named), cancellationToken).ConfigureAwait(false))
                : throw new HostException("no-criu", $"there is no CRIU at {named}", Remedy);
        }

        HostException? firstRefusal = null;
        foreach (string candidate in Candidates(Environment.GetEnvironmentVariable("PATH"), AppContext.BaseDirectory).Where(File.Exists))
        {
            try
            {
                return Accept(await ProbeAsync(candidate, cancellationToken).ConfigureAwait(false));
            }
            catch (HostException refusal)
            {
                // A newer one may lie further down; when none does, the first refusal says what is wrong.
                firstRefusal ??= refusal;
            }
        }

        throw firstRefusal ?? new HostException("no-criu", "CRIU was not found in PATH or beside checkpointer", Remedy);
    }

    /// <summary>Where to look, in this order.</summary>
    internal static IEnumerable<string> Candidates(string? path, string executableDirectory)
    {
        foreach (string directory in (path ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            // A relative entry of PATH would let the current directory choose what runs as root.
            if (Path.IsPathRooted(directory))
            {
                yield return Path.Combine(directory, "criu");
            }
        }

        yield return "/usr/sbin/criu";
        yield return "/usr/local/sbin/criu";
        yield return "/usr/lib/checkpointer/criu";
        yield return Path.GetFullPath(Path.Combine(executableDirectory, "../criu/sbin/criu"));
    }

    /// <summary>Version and commit from the output of <c>criu --version</c>, or null when it is something else.</summary>
    internal static (Version Version, string GitId)? ParseVersion(string output)
    {
        Match version = VersionLine().Match(output);
        if (!version.Success || !Version.TryParse(version.Groups[1].Value, out Version? parsed))
        {
            return null;
        }

        Match git = GitLine().Match(output);
        return (parsed, git.Success ? git.Groups[1].Value : "");
    }

    private static CriuInstallation Accept(CriuInstallation criu)
    {
        return criu.Version >= MinimumVersion
            ? criu
            : throw new HostException("criu-too-old", $"{criu.Path} is CRIU {criu.Version}, and {MinimumVersion} or newer is needed", Remedy);
    }

    private static async Task<CriuInstallation> ProbeAsync(string path, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(VersionDeadline);
        try
        {
            BufferedCommandResult result = await Cli.Wrap(path)
                .WithArguments("--version")
                .WithEnvironmentVariables(CriuEnvironment.Build([]))
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(deadline.Token)
                .ConfigureAwait(false);
            return ParseVersion(result.StandardOutput) is { } found
                ? new CriuInstallation(path, found.Version, found.GitId)
                : throw Broken(path, $"it printed no version (exit code {result.ExitCode})", null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Broken(path, $"it did not answer within {VersionDeadline.TotalSeconds} s", null);
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            throw Broken(path, "it cannot be executed", error);
        }
    }

    private static HostException Broken(string path, string why, Exception? inner)
    {
        return new HostException("criu-broken", $"{path} is no usable CRIU: {why}", Remedy, inner);
    }

    [GeneratedRegex(@"^Version:\s*([0-9]+(?:\.[0-9]+){1,3})", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"^GitID:\s*(\S+)", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex GitLine();
}
