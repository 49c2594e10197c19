using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Tests.Support;

namespace Checkpointer.Engine.Tests.FileState;

public sealed class FileWriteBackLinkTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_directory_that_a_link_leads_to_is_refused()
    {
        Directory.CreateDirectory(_directory.File("real"));
        Directory.CreateSymbolicLink(_directory.File("link"), _directory.File("real"));

        var finding = Assert.Single(new FileWriteBack([Captured(_directory.File("link/file"))], []).Check());

        Assert.Equal("state-file-link", finding.Code);
        Assert.Equal(FindingSeverity.Blocker, finding.Severity);
    }

    [Fact]
    public void The_directory_itself_is_taken()
    {
        Directory.CreateDirectory(_directory.File("real"));

        Assert.Empty(new FileWriteBack([Captured(_directory.File("real/file"))], []).Check());
    }

    private static StateFile Captured(string path) => new()
    {
        Path = path,
        Content = "state-1",
        Size = 1,
        Mode = 0x180,
        Uid = 0,
        Gid = 0,
        ModifiedNanoseconds = 0,
        OnTmpfs = false,
    };
}
