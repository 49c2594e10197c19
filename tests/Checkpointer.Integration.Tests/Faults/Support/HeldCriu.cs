namespace Checkpointer.Integration.Tests;

/// <summary>
/// A CRIU that stands still at its first dump or restore, before it has done anything: it stops itself, so it is held however late
/// anybody looks. Everything else that it is asked, and every later dump, it does at once.
/// </summary>
internal sealed class HeldCriu
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private HeldCriu(string path) => Path = path;

    internal string Path { get; }

    /// <param name="folder">Where its script is put.</param>
    internal static async Task<HeldCriu> CreateAsync(string folder)
    {
        var path = System.IO.Path.Combine(folder, "held-criu");
        var script = $"""
            #!/bin/sh
            case "$1" in
            dump | restore)
                if mkdir '{path}.once' 2>/dev/null; then
                    kill -STOP $$
                fi
                ;;
            esac
            exec '{Installation.Criu}' "$@"

            """;
        await File.WriteAllTextAsync(path, script, TestContext.Current.CancellationToken);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new HeldCriu(path);
    }

    /// <summary>Waits until it stands still: its pid, as this process sees it. It goes on when it gets <see cref="Signals.Continue"/>.</summary>
    /// <param name="hasEnded">Says, by failing, that what would start it has ended.</param>
    internal async Task<int> PidAsync(Func<bool> hasEnded)
    {
        var held = 0;
        await Eventually.TrueAsync("CRIU", Limit, () => (held = Find()) != 0 || hasEnded());
        return held;
    }

    private int Find() => Processes.All().FirstOrDefault(
        pid => Processes.State(pid) == 'T' && Processes.CommandLine(pid).StartsWith($"/bin/sh {Path} ", StringComparison.Ordinal));
}
