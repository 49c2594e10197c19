using System.Globalization;

namespace Checkpointer.Containers.Tests;

/// <summary>The PostgreSQL of <c>tests/containers/programs/postgresql.sh</c>, and whether it is right.</summary>
internal static class Database
{
    private const int User = 1000;

    /// <param name="role">What of it the container is: <c>server</c> or <c>writer</c>; nothing: both.</param>
    internal static ContainerOptions Of(params string[] role) => Program.Of("postgresql", ["bash", "/programs/postgresql.sh", .. role]) with { User = User };

    /// <summary>By SQL: sums, receipts, every page, every index.</summary>
    internal static async Task<string[]> CheckAsync(TestContainer container) =>
        (await container.ReadAsync("bash", "-c", "exec /usr/lib/postgresql/*/bin/psql -XqAt -h /home/program -U program -f /programs/postgresql.sql postgres")).Split('\n');

    internal static void MustBeRight(string[] answer) =>
        Assert.Equal(["sums right", "receipts right", "heap right", "indexes right", "pages right"], answer.SkipLast(2));

    internal static long Number(string[] answer, string prefix) =>
        long.Parse(answer.Single(line => line.StartsWith(prefix, StringComparison.Ordinal))[prefix.Length..], CultureInfo.InvariantCulture);
}
