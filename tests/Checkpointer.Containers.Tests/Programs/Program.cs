using System.Globalization;
using System.Text;

namespace Checkpointer.Containers.Tests;

/// <summary>Containers with large programs, whose sources and scripts are those of <c>tests/containers/programs</c>.</summary>
internal static class Program
{
    internal static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    internal static ContainerOptions Of(string name, params string[] command) => new()
    {
        Image = $"localhost/{name}:1",
        Command = command,
        Mounts = [new BindMount(Path.Combine(Requirements.Scripts, "programs"), "/programs", ReadOnly: true)],
    };

    /// <summary>The lines of its log that begin so.</summary>
    internal static IReadOnlyList<string> Lines(this TestContainer container, string prefix) =>
        [.. container.Log().Where(line => line.StartsWith(prefix, StringComparison.Ordinal))];

    /// <summary>Waits until there are so many lines that begin so; fails when it has ended or complained.</summary>
    internal static async Task MustSayAsync(this TestContainer container, string prefix, int lines = 1)
    {
        await Eventually.TrueAsync(
            $"{lines} lines '{prefix}' of {container.Name} on {container.Node.Name}",
            Limit,
            () => container.Lines(prefix).Count >= lines || container.Lines("FAILED").Count > 0 || !Processes.IsAlive(container.HostPid));
        Assert.True(container.Lines(prefix).Count >= lines && container.Lines("FAILED").Count == 0, $"its log ends with: {string.Join(" | ", container.Log().TakeLast(8))}");
    }

    internal static async Task<string> ReadAsync(this TestContainer container, params string[] command)
    {
        var answer = await container.ExecAsync(command);
        Assert.True(answer.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"{string.Join(' ', command)} exits with {answer.ExitCode}: {answer.Stderr.ToString(Encoding.UTF8)}"));
        return answer.Stdout.ToString(Encoding.UTF8).Trim();
    }

    /// <summary>Numbered lines of two logs are one sequence from 1 on: nothing lost, nothing twice.</summary>
    internal static void MustFollow(string prefix, string suffix, params TestContainer[] logs)
    {
        var lines = logs.SelectMany(log => log.Lines(prefix)).ToList();
        Assert.Equal(Enumerable.Range(1, lines.Count).Select(number => string.Create(CultureInfo.InvariantCulture, $"{prefix}{number}{suffix}")), lines);
    }
}
