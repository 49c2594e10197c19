namespace Checkpointer.Repository.Tests;

public sealed class RepositoryUrlTests
{
    [Theory]
    [InlineData("/srv/x", "directory /srv/x")]
    [InlineData("/srv/x/", "directory /srv/x")]
    [InlineData("file:/srv/x", "directory /srv/x")]
    [InlineData("file:///srv/x", "directory /srv/x")]
    [InlineData("FILE:/srv/x", "directory /srv/x")]
    [InlineData("/srv/a:b", "directory /srv/a:b")]
    public void A_directory_may_be_written_as(string url, string described) => Assert.Equal(described, RepositoryUrl.Open(url).Describe());

    [Fact]
    public void A_relative_path_is_taken_from_here() =>
        Assert.Equal($"directory {Path.GetFullPath("x/y")}", RepositoryUrl.Open("x/y").Describe());

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("s3://bucket")]
    [InlineData("https://account.blob.core.windows.net/x")]
    [InlineData("file:")]
    [InlineData("file://host/path")]
    [InlineData("/a\0b")]
    public void Anything_else_is_wrong_usage_with_a_remedy(string url)
    {
        UsageException e = Assert.Throws<UsageException>(() => RepositoryUrl.Open(url));
        Assert.Equal("repository-url", e.Code);
        Assert.NotNull(e.Remedy);
    }
}
