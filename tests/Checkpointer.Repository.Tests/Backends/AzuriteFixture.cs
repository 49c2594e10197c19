using System.Globalization;
using Checkpointer.Repository.Tests;
using Checkpointer.Testing;

[assembly: AssemblyFixture(typeof(AzuriteFixture))]

namespace Checkpointer.Repository.Tests;

/// <summary>One emulator for all tests of this assembly, started by the first that asks; each test has a container of its own.</summary>
public sealed class AzuriteFixture : IDisposable
{
    private static int Containers;

    private readonly Lazy<AzuriteServer> _server = new(() => AzuriteServer.Start(Root));

    public static string Root { get; } = FindRoot();

    /// <summary>The emulator; skips the calling test where there is none.</summary>
    public AzuriteServer Server
    {
        get
        {
            if (AzuriteServer.Missing(Root) is { } reason)
            {
                Assert.Skip(reason);
            }

            return _server.Value;
        }
    }

    /// <summary>A name that no other test uses.</summary>
    public static string NewContainer() => string.Create(CultureInfo.InvariantCulture, $"test-{Interlocked.Increment(ref Containers)}");

    public void Dispose()
    {
        if (_server.IsValueCreated)
        {
            _server.Value.Dispose();
        }
    }

    private static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Checkpointer.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("these tests run from a checkout");
        }

        return folder;
    }
}
