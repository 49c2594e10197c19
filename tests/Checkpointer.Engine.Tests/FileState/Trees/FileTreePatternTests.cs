using System.Text;
using Checkpointer.Engine.FileState.Trees;

namespace Checkpointer.Engine.Tests.FileState.Trees;

public sealed class FileTreePatternTests
{
    [Theory]
    [InlineData("*.tmp", "a.tmp", true)]
    [InlineData("*.tmp", "deep/er/a.tmp", true)]
    [InlineData("*.tmp", "a.tmp/below", false)]
    [InlineData("*.tmp", "a.tmpx", false)]
    [InlineData("*.tmp", ".tmp", true)]
    [InlineData("cache", "x/cache", true)]
    [InlineData("/cache", "cache", true)]
    [InlineData("/cache", "x/cache", false)]
    [InlineData("/cache/", "cache", true)]
    [InlineData("/var/cache/**", "var/cache", false)]
    [InlineData("/var/cache/**", "var/cache/a", true)]
    [InlineData("/var/cache/**", "var/cache/a/b", true)]
    [InlineData("/var/cache/**", "var/cached", false)]
    [InlineData("**", "a", true)]
    [InlineData("**/log", "log", true)]
    [InlineData("**/log", "a/b/log", true)]
    [InlineData("**/log", "a/b/log/c", false)]
    [InlineData("a/**/z", "a/z", true)]
    [InlineData("a/**/z", "a/b/c/z", true)]
    [InlineData("a/**/z", "b/z", false)]
    [InlineData("a/**/b/**/c", "a/x/b/y/b/c", true)]
    [InlineData("a/**/b/**/c", "a/x/c", false)]
    [InlineData("a/**/**/b", "a/b", true)]
    [InlineData("run/*.pid", "run/a.pid", true)]
    [InlineData("run/*.pid", "run/a/b.pid", false)]
    [InlineData("run/*", "run/a/b", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("a*b*c", "aXbXbXc", true)]
    [InlineData("a*b*c", "aXcXb", false)]
    [InlineData("[a]", "[a]", true)]
    [InlineData("[a]", "a", false)]
    [InlineData("a\\*", "a\\x", true)]
    [InlineData("ü*", "üb", true)]
    public void A_pattern_matches_what_it_says(string pattern, string path, bool matches) =>
        Assert.Equal(matches, FileTreePatterns.Parse([pattern]).Matches(Encoding.UTF8.GetBytes(path)));

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("a//b")]
    [InlineData("../a")]
    [InlineData("a/./b")]
    [InlineData("a\0b")]
    public void What_is_no_pattern_is_refused(string pattern) =>
        Assert.Equal("exclude-invalid", Assert.Throws<UsageException>(() => FileTreePatterns.Parse(["good", pattern])).Code);

    [Fact]
    public void Any_of_several_may_match()
    {
        var patterns = FileTreePatterns.Parse(["/a", "*.b", "c/**"]);
        Assert.True(patterns.Matches("x/y.b"u8));
        Assert.True(patterns.Matches("c/d"u8));
        Assert.False(patterns.Matches("d"u8));
        Assert.False(FileTreePatterns.None.Matches("a"u8));
    }

    [Fact]
    public void Names_that_are_no_text_match_byte_by_byte() => Assert.True(FileTreePatterns.Parse(["*.tmp"]).Matches([0xff, 0xfe, .. ".tmp"u8]));

    [Fact]
    public void Many_stars_take_no_time_that_grows_without_bound()
    {
        var patterns = FileTreePatterns.Parse([string.Concat(Enumerable.Repeat("a*", 2000)) + "b", string.Join('/', Enumerable.Repeat("**/a", 500)) + "/b"]);
        var path = Encoding.ASCII.GetBytes(string.Join('/', Enumerable.Repeat("a", 2000)));
        Assert.False(patterns.Matches(path));
        Assert.False(patterns.Matches(Encoding.ASCII.GetBytes(new string('a', 255))));
    }
}
