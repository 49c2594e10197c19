using System.Text.Json;
using Checkpointer.Cli.Output;

namespace Checkpointer.Cli.Tests.Output;

public sealed class WorkloadTextTests
{
    [Fact]
    public void Values_of_a_containers_environment_are_not_shown()
    {
        var shown = Shown("""{"kind":"container","container":{"record":{"name":"web","template":{"environment":{"TOKEN":"s3cret"},"tty":true}}}}""");
        Assert.Equal("""{"kind":"container","container":{"record":{"name":"web","template":{"environment":{"TOKEN":"(not shown)"},"tty":true}}}}""", shown);
    }

    [Theory]
    [InlineData("""{"kind":"process-tree","environment":{"A":"b"},"list":[{"container":1},null,2.5]}""")]
    [InlineData("""{"container":null}""")]
    [InlineData("""{"container":{"record":{"template":null,"labels":{"environment":"test"}}}}""")]
    [InlineData("""[1]""")]
    public void Everything_else_stays(string json) => Assert.Equal(json, Shown(json));

    [Fact]
    public void Nothing_recorded_is_nothing_shown() => Assert.Null(WorkloadText.WithoutSecrets(default));

    private static string Shown(string json) => WorkloadText.WithoutSecrets(JsonDocument.Parse(json).RootElement)!.Value.GetRawText();
}
