using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Checkpointer.Node.Tests;

public sealed class OpenApiTests
{
    private static readonly JsonElement Document = JsonDocument.Parse(ServiceEndpoints.OpenApi()).RootElement;

    /// <summary>Schemas that a request is read with, and those that an answer is written with.</summary>
    public static TheoryData<string, Type, bool> Schemas => new()
    {
        { "CheckpointRequest", typeof(CheckpointRequest), true },
        { "RestoreRequest", typeof(RestoreRequest), true },
        { "PreflightRequest", typeof(PreflightRequest), true },
        { "SignalRequest", typeof(SignalRequest), true },
        { "Operation", typeof(OperationResource), false },
        { "OperationList", typeof(OperationList), false },
        { "OperationProgress", typeof(OperationProgress), false },
        { "PhaseStart", typeof(PhaseStart), false },
        { "CheckpointResult", typeof(CheckpointResult), false },
        { "RestoreResult", typeof(RestoreResult), false },
        { "CheckpointedMember", typeof(CheckpointedMember), false },
        { "RestoredMember", typeof(RestoredMember), false },
        { "PreflightReport", typeof(PreflightReport), false },
        { "Finding", typeof(Finding), false },
        { "Error", typeof(ErrorReport), false },
        { "ErrorBody", typeof(ErrorResource), false },
        { "Tree", typeof(TreeResource), false },
        { "TreeExit", typeof(TreeExit), false },
        { "Node", typeof(NodeResource), false },
        { "Repository", typeof(RepositoryResource), false },
        { "Budget", typeof(BudgetResource), false },
        { "RecoveryReport", typeof(RecoveryReport), false },
        { "RecoveredOperation", typeof(RecoveredOperation), false },
        { "Health", typeof(HealthResource), false },
    };

    [Fact]
    public async Task The_document_lists_the_routes_that_there_are()
    {
        await using var node = await NodeFixture.StartAsync();
        var routes = NodeApi.RoutesOf(node.Host.App).Select(r => $"{r.Method} {r.Pattern}").Order(StringComparer.Ordinal);

        var described = Document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject()
                .Where(o => o.Name != "parameters")
                .Select(o => $"{o.Name.ToUpperInvariant()} {path.Name}"))
            .Order(StringComparer.Ordinal);

        Assert.Equal(routes, described);
    }

    [Theory]
    [MemberData(nameof(Schemas))]
    public void A_schema_has_the_members_that_its_type_has(string name, Type type, bool request)
    {
        JsonTypeInfo info = request ? RequestReader.TypeInfo(type) : NodeJson.Default.GetTypeInfo(type)!;
        var schema = Document.GetProperty("components").GetProperty("schemas").GetProperty(name);

        Assert.Equal(
            info.Properties.Where(p => p.Get is not null).Select(p => p.Name).Order(StringComparer.Ordinal),
            schema.GetProperty("properties").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        if (request)
        {
            var required = schema.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(n => n.GetString()!) : [];
            Assert.Equal(
                info.Properties.Where(p => p.IsRequired).Select(p => p.Name).Order(StringComparer.Ordinal),
                required.Order(StringComparer.Ordinal));
            Assert.False(schema.GetProperty("additionalProperties").GetBoolean());
        }
    }

    [Fact]
    public void Every_schema_is_checked_and_every_reference_leads_somewhere()
    {
        var schemas = Document.GetProperty("components").GetProperty("schemas");
        Assert.Equal(
            Schemas.Select(s => s.Data.Item1).Order(StringComparer.Ordinal),
            schemas.EnumerateObject().Select(s => s.Name).Order(StringComparer.Ordinal));

        foreach (var reference in References(Document))
        {
            var target = reference.TrimStart('#', '/').Split('/').Aggregate(Document, (at, part) => at.GetProperty(part));
            Assert.Equal(JsonValueKind.Object, target.ValueKind);
        }
    }

    [Fact]
    public async Task The_service_gives_its_description()
    {
        await using var node = await NodeFixture.StartAsync();
        using var http = Http.Over(node.Socket);

        using var response = await http.GetAsync("/openapi.json", node.Deadline);

        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith("3.1", (await response.JsonAsync()).GetProperty("openapi").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_node_tells_about_itself()
    {
        await using var node = await NodeFixture.StartAsync(c => c with
        {
            Repositories = new Dictionary<string, RepositoryEntry> { ["main"] = new("/srv/checkpoints", "/etc/secret.key") },
        });

        var resource = await node.Client.GetNodeAsync(node.Deadline);

        Assert.True(resource.Ready);
        Assert.Equal(Environment.ProcessId, resource.Pid);
        Assert.Equal([new RepositoryResource("main", "/srv/checkpoints")], resource.Repositories);
        Assert.Equal(node.Configuration.MemoryBytes, resource.Budget.TotalBytes);
        Assert.Empty(resource.Recovery!.Operations);
    }

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(
            p => p.NameEquals("$ref") ? [p.Value.GetString()!] : References(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };
}
