namespace Checkpointer.Integration.Tests;

/// <summary>Two services cannot share a socket.</summary>
public sealed class ServiceSocketTests
{
    [Fact]
    public async Task A_second_service_on_one_socket_says_that_it_is_taken()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var config = Path.Combine(lab.Directory, "node.json");
        var socket = Path.Combine(lab.Directory, "s", "checkpointer.sock");
        await File.WriteAllTextAsync(
            config,
            $$"""{ "socket": "{{socket}}", "stateDirectory": "{{lab.StateDirectory}}", "runDirectory": "{{lab.RunDirectory}}" }""",
            TestContext.Current.CancellationToken);
        await lab.StartAsync(Path.Combine(lab.Directory, "node.out"), Installation.Checkpointer, "node", "--config", config);
        await Eventually.TrueAsync("the socket of the service", TimeSpan.FromSeconds(60), () => File.Exists(socket));

        var second = await lab.CheckpointerAsync("node", "--config", config);
        second.MustExit(5);
        Assert.Contains(socket, second.Stderr, StringComparison.Ordinal);
        (await lab.CheckpointerAsync("node", "show", "--json")).MustSucceed();
    }
}
