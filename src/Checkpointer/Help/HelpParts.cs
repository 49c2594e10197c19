namespace Checkpointer.Cli.Help;

/// <summary>Lines that several help pages share, so that they say the same.</summary>
internal static class HelpParts
{
    public static readonly HelpExit Done = new(ExitCode.Done, "done");
    public static readonly HelpExit Failed = new(ExitCode.Failed, "failed; the message says what state everything is in");
    public static readonly HelpExit Usage = new(ExitCode.Usage, "wrong usage; nothing was touched");
    public static readonly HelpExit RepositoryTrouble = new(
        ExitCode.Repository, "repository: not found, wrong key, damaged, or of a newer format");
    public static readonly HelpExit Cancelled = new(ExitCode.Cancelled, "cancelled (Ctrl-C, SIGTERM)");

    public static readonly HelpVariable Repository = new(EnvironmentNames.Repository, "the repository, where --repo is not given");
    public static readonly HelpVariable KeyFile = new(EnvironmentNames.KeyFile, "the key file, where --key-file is not given");
    public static readonly HelpVariable PassphraseFile = new(
        EnvironmentNames.PassphraseFile, "a file with the passphrase, where --passphrase-file is not given");

    public static readonly HelpVariable Passphrase = new(
        EnvironmentNames.Passphrase, "the passphrase itself, where no file is named; not for checkpoint and restore");

    public static readonly HelpVariable Socket = new(EnvironmentNames.Socket, "the service's socket, where --socket is not given");
    public static readonly HelpVariable Criu = new(EnvironmentNames.Criu, "the CRIU executable; default: the first that is new enough");
    public static readonly HelpVariable CudaLibrary = new(EnvironmentNames.CudaLibrary, "the CUDA driver's library; default: libcuda.so.1");
    public static readonly HelpVariable NvmlLibrary = new(EnvironmentNames.NvmlLibrary, "NVML's library; default: libnvidia-ml.so.1");
    public static readonly HelpVariable RuntimeEndpoint = new(
        EnvironmentNames.RuntimeEndpoint, "the container runtime's socket, where --runtime-endpoint is not given");

    public static readonly HelpVariable StateDirectory = new(
        EnvironmentNames.StateDirectory, $"journal and registry of --embedded runs (default {Settings.DefaultStateDirectory})");

    public static readonly HelpVariable RunDirectory = new(
        EnvironmentNames.RunDirectory, $"sockets of --embedded runs (default {Settings.DefaultRunDirectory})");

    public static readonly HelpVariable Azure = new(
        "AZURE_*", "credentials of a blob container, such as AZURE_STORAGE_CONNECTION_STRING (docs/operations.md has all)");

    public static readonly HelpVariable Debug = new(EnvironmentNames.Debug, "1: debug log and stack traces on standard error");

    public static readonly IReadOnlyList<string> RepositoryGlobals = ["--repo", "--key-file", "--passphrase-file"];
    public static readonly IReadOnlyList<string> ServiceGlobals = ["--socket", "--embedded"];
    public static readonly IReadOnlyList<string> AllGlobals = [.. RepositoryGlobals, .. ServiceGlobals];

    public static readonly IReadOnlyList<HelpVariable> RepositoryVariables = [Repository, KeyFile, PassphraseFile, Passphrase, Azure, Debug];
    public static readonly IReadOnlyList<HelpVariable> AllVariables =
        [Repository, KeyFile, PassphraseFile, Azure, Socket, StateDirectory, RunDirectory, Criu, RuntimeEndpoint, CudaLibrary, NvmlLibrary, Debug];
}
