using System.Text.Json;
using Checkpointer.Engine.Images;

namespace Checkpointer.Engine.Tests.Images;

public sealed class ImageDirectoryTests
{
    [Fact]
    public void The_description_of_exported_images_is_frozen()
    {
        ImageDirectory description = new()
        {
            Snapshot = "s",
            Name = "n",
            Created = DateTimeOffset.UnixEpoch,
            Node = "node-a",
            Intent = "final",
            Labels = new Dictionary<string, string> { ["a"] = "1" },
            Workload = JsonDocument.Parse("""{"x":1}""").RootElement,
        };
        var json = JsonSerializer.SerializeToElement(description, ImageJson.Default.ImageDirectory);
        Assert.Equal(
            """{"format":"checkpointer-images","version":1,"snapshot":"s","name":"n","created":"1970-01-01T00:00:00+00:00","node":"node-a","intent":"final","labels":{"a":"1"},"workload":{"x":1}}""",
            json.GetRawText().Replace("\n", "", StringComparison.Ordinal).Replace("  ", "", StringComparison.Ordinal).Replace("\": ", "\":", StringComparison.Ordinal));
        Assert.Equal("checkpointer.json", ImageDirectory.FileName);
    }

    [Theory]
    [InlineData("pages-1.img", true)]
    [InlineData("state-12", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("a/b", false)]
    [InlineData("a\0b", false)]
    [InlineData("-a", false)]
    [InlineData("checkpointer.json", false)]
    public void Names_that_may_stand_in_a_directory(string name, bool safe)
    {
        Assert.Equal(safe, ImageDirectory.IsSafeName(name));
    }
}
