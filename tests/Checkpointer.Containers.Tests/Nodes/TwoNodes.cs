namespace Checkpointer.Containers.Tests;

/// <summary>Two nodes for all tests of this assembly, with one repository; started once.</summary>
public sealed class TwoNodes : IAsyncLifetime
{
    /// <summary>As both node services know the shared repository.</summary>
    internal const string RepositoryName = "shared";

    private readonly SemaphoreSlim _gate = new(1, 1);
    private NodeWorld? _world;
    private string? _unavailable;
    private readonly HashSet<string> _images = [];

    /// <summary>The first node; skips the calling test where there are none.</summary>
    internal ContainerNode A => Nodes()[0];

    internal ContainerNode B => Nodes()[1];

    internal NodeWorld World => _world!;

    /// <summary>Shared by the nodes.</summary>
    internal string Folder => _world!.Folder;

    public async ValueTask InitializeAsync()
    {
        try
        {
            _world = await NodeWorld.StartAsync(2);
            (await _world.Nodes[0].RunAsync([Installation.Checkpointer, "init", "--repo", Path.Combine(_world.Folder, "shared", "repo")])).MustSucceed();
            await Task.WhenAll(_world.Nodes.Select(StartNodeAsync));
        }
        catch (NodesUnavailableException reason)
        {
            _unavailable = reason.Message;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>The image with small real programs, on both nodes; brought when it is first asked for.</summary>
    internal Task NeedToolsAsync() => NeedAsync(Requirements.ToolsImage);

    /// <summary>The image <c>localhost/NAME:1</c> of a large program, likewise; skips the calling test where it could not be made.</summary>
    internal Task NeedProgramAsync(string name)
    {
        Nodes();
        if (Requirements.MissingProgram(name) is { } reason)
        {
            Assert.Skip(reason);
        }

        return NeedAsync(Requirements.ProgramImage(name));
    }

    private async Task NeedAsync(string image)
    {
        await _gate.WaitAsync();
        try
        {
            if (!_images.Contains(image))
            {
                await Task.WhenAll(Nodes().Select(node => node.ImportAsync(image)));
                _images.Add(image);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _gate.Dispose();
        if (_world is not null)
        {
            await _world.DisposeAsync();
            _world = null;
        }
    }

    internal static async Task StartNodeAsync(ContainerNode node)
    {
        await node.StartContainerdAsync();
        await node.ImportAsync(Path.Combine(Requirements.Images, "pause.tar"), Path.Combine(Requirements.Images, "workload.tar"));
        await node.StartServiceAsync();
    }

    private IReadOnlyList<ContainerNode> Nodes()
    {
        if (_unavailable is not null)
        {
            Assert.Skip(_unavailable);
        }

        return _world!.Nodes;
    }
}
