using System.CommandLine;

namespace Checkpointer.Cli;

/// <summary>The options that every verb takes. One set belongs to one command tree.</summary>
internal sealed class GlobalOptions
{
    public Option<string> Repository { get; } = OptionKinds.Text(
        "--repo", "R", "The repository: a directory, or the URL of an Azure blob container.", "--repo /srv/checkpoints", recursive: true);

    public Option<string> KeyFile { get; } = OptionKinds.Text(
        "--key-file",
        "FILE",
        $"The key file that opens the repository (default {Settings.DefaultKeyFile}).",
        "--key-file /root/repository.key",
        recursive: true);

    public Option<string> PassphraseFile { get; } = OptionKinds.Text(
        "--passphrase-file",
        "FILE",
        "Instead of a key file: a file with the passphrase; - asks for it.",
        "--passphrase-file /run/secrets/passphrase",
        recursive: true);

    public Option<string> Socket { get; } = OptionKinds.Text(
        "--socket",
        "PATH",
        $"The socket of the node service (default {Settings.DefaultSocket}).",
        "--socket /run/checkpointer/checkpointer.sock",
        recursive: true);

    public Option<bool> Embedded { get; } = OptionKinds.Flag(
        "--embedded", "Do the work in this process, even where a service listens.", recursive: true);

    public Option<bool> Json { get; } = OptionKinds.Flag(
        "--json", "Print one JSON object on standard output, errors too.", recursive: true);

    public Option<bool> Quiet { get; } = OptionKinds.Flag(
        "--quiet", "No progress and no explanations; results and errors only.", recursive: true);

    public Option<bool> Help { get; } = OptionKinds.Flag("--help", "Show this help.", recursive: true, alias: "-h");

    public IReadOnlyList<Option> All => [Repository, KeyFile, PassphraseFile, Socket, Embedded, Json, Quiet, Help];

    public Settings Read(ParseResult parse, Func<string, string?> environment)
    {
        var key = KeyChoice.Read(
            parse.GetValue(KeyFile),
            parse.GetValue(PassphraseFile),
            Of(environment, EnvironmentNames.KeyFile),
            Of(environment, EnvironmentNames.PassphraseFile),
            Of(environment, EnvironmentNames.Passphrase));
        var socket = Choose(parse, Socket, environment, EnvironmentNames.Socket);
        return new Settings
        {
            Repository = Choose(parse, Repository, environment, EnvironmentNames.Repository),
            Key = key,
            Socket = Path.GetFullPath(socket ?? Settings.DefaultSocket),
            SocketChosen = socket is not null,
            Embedded = parse.GetValue(Embedded),
            Json = parse.GetValue(Json),
            Quiet = parse.GetValue(Quiet),
            Debug = IsDebug(environment),
            StateDirectory = Path.GetFullPath(Of(environment, EnvironmentNames.StateDirectory) ?? Settings.DefaultStateDirectory),
            RunDirectory = Path.GetFullPath(Of(environment, EnvironmentNames.RunDirectory) ?? Settings.DefaultRunDirectory),
            CriuPath = Of(environment, EnvironmentNames.Criu),
            CudaLibrary = Of(environment, EnvironmentNames.CudaLibrary),
            NvmlLibrary = Of(environment, EnvironmentNames.NvmlLibrary),
            RuntimeEndpoint = Of(environment, EnvironmentNames.RuntimeEndpoint),
        };
    }

    public static bool IsDebug(Func<string, string?> environment) => environment(EnvironmentNames.Debug) == "1";

    private static string? Choose(ParseResult parse, Option<string> option, Func<string, string?> environment, string variable)
    {
        return parse.GetValue(option) ?? Of(environment, variable);
    }

    private static string? Of(Func<string, string?> environment, string variable)
    {
        return environment(variable) is { Length: > 0 } value ? value : null;
    }
}
