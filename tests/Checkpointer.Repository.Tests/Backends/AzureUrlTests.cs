namespace Checkpointer.Repository.Tests;

public sealed class AzureUrlTests
{
    private const string Secret = "c2VjcmV0";
    private const string Sas = $"sv=2024-11-04&se=2030-01-01&sp=racwdl&sig={Secret}%3D";

    [Theory]
    [InlineData("https://acct.blob.core.windows.net/data", "https://acct.blob.core.windows.net/data", "")]
    [InlineData("https://acct.blob.core.windows.net/data/", "https://acct.blob.core.windows.net/data", "")]
    [InlineData("https://acct.blob.core.windows.net/data/team/A", "https://acct.blob.core.windows.net/data/team/A", "team/A/")]
    [InlineData("https://acct.blob.core.windows.net/data/x?" + Sas, "https://acct.blob.core.windows.net/data/x", "x/")]
    [InlineData("azurite:data/x", "azurite://127.0.0.1:10000/data/x", "x/")]
    [InlineData("azurite://127.0.0.1:7777/data", "azurite://127.0.0.1:7777/data", "")]
    [InlineData("azure:data/x/y", "azure:data/x/y", "x/y/")]
    public void A_container_may_be_written_as(string url, string described, string prefix)
    {
        AzurePlace place = AzureUrl.Parse(url, static _ => null);
        Assert.Equal(described, place.Describe());
        Assert.Equal(prefix, place.Prefix);
        Assert.DoesNotContain(Secret, place.ToString(), StringComparison.Ordinal);
        Assert.Equal(url.Contains('?', StringComparison.Ordinal) ? Sas : null, place.Sas);
    }

    [Fact]
    public void The_short_form_of_the_emulator_is_found_by_the_environment() =>
        Assert.Equal(
            "azurite://127.0.0.1:4567/data/x",
            AzureUrl.Parse("azurite:data/x", static name => name == AzureUrl.EmulatorVariable ? "http://127.0.0.1:4567" : null).Describe());

    [Theory]
    [InlineData("https://acct.blob.core.windows.net")]
    [InlineData("https://acct.blob.core.windows.net/A")]
    [InlineData("https://acct.blob.core.windows.net/x")]
    [InlineData("https://example.com/data")]
    [InlineData("http://acct.blob.core.windows.net/data")]
    [InlineData("https://user@acct.blob.core.windows.net/data")]
    [InlineData("https://acct.blob.core.windows.net/data?" + Secret)]
    [InlineData("https://acct.blob.core.windows.net/data/a//b?" + Sas)]
    [InlineData("https://acct.blob.core.windows.net/data/../b?" + Sas)]
    [InlineData("https://acct.blob.core.windows.net/data/.a?" + Sas)]
    [InlineData("https://acct.blob.core.windows.net/data/a b?" + Sas)]
    [InlineData("https://acct.blob.core.windows.net/data/packs/ab?" + Sas)]
    [InlineData("https://acct.blob.core.windows.net/data/x/snapshots?" + Sas)]
    [InlineData("azure:data?" + Sas)]
    [InlineData("azurite:")]
    [InlineData("azurite:/")]
    [InlineData("azure:data")]
    public void Anything_else_is_wrong_usage_with_a_remedy_and_never_repeats_a_secret(string url)
    {
        UsageException e = Assert.Throws<UsageException>(() => RepositoryUrl.Open(url));
        Assert.Equal("repository-url", e.Code);
        Assert.NotNull(e.Remedy);
        Assert.DoesNotContain(Secret, e.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://acct.blob.core.windows.net/data/x?" + Sas, "https://acct.blob.core.windows.net/data/x")]
    [InlineData("https://acct.blob.core.windows.net/data/x", "https://acct.blob.core.windows.net/data/x")]
    [InlineData("azurite:data?" + Sas, "azurite:data")]
    [InlineData("/srv/what?is=this", "/srv/what?is=this")]
    [InlineData("file:/srv/what?is=this", "file:/srv/what?is=this")]
    public void A_signature_is_taken_off(string url, string bare) => Assert.Equal(bare, RepositoryUrl.WithoutSecret(url));

    [Theory]
    [InlineData("c2VjcmV0")]
    [InlineData("AccountName=acct;AccountKey")]
    public void A_bad_connection_string_is_wrong_usage_and_not_repeated(string text)
    {
        AzureOptions options = new() { Environment = name => name == AzureClients.ConnectionStringVariable ? text : null };
        UsageException e = Assert.Throws<UsageException>(() => new AzureBlobBackend(AzureUrl.Parse("azure:data", options.Environment), options));
        Assert.DoesNotContain(text, e.ToString(), StringComparison.Ordinal);
    }
}
