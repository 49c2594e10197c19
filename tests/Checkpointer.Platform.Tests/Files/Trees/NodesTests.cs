using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform.Tests;

public sealed class NodesTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly SafeFileHandle _root;

    public NodesTests()
    {
        Directory.CreateDirectory(_directory["root/in"]);
        File.WriteAllText(_directory["secret"], "outside");
        _root = RootedOpen.OpenRoot(_directory["root"]);
    }

    public void Dispose()
    {
        _root.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("../secret")]
    [InlineData("in/../../secret")]
    [InlineData("/etc/passwd")]
    [InlineData("up/secret")]
    [InlineData("link")]
    public void Nothing_leads_out_of_the_directory(string path)
    {
        File.CreateSymbolicLink(_directory["root/up"], "..");
        File.CreateSymbolicLink(_directory["root/link"], "in");
        PlatformException e = Assert.Throws<PlatformException>(() => Open(path).Dispose());
        Assert.Contains(e.Errno, (int[])[Errno.EXDEV, Errno.ELOOP, Errno.ENOTDIR]);
    }

    [Fact]
    public void Mount_points_are_not_entered()
    {
        Need.Root();
        Mounts.MountTmpfs(_directory["root/in"], 1 << 20, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Assert.True(Nodes.TryStatus(_root, "in"u8, out NodeStatus status));
            Assert.True(status.IsMountRoot);
            Assert.Equal(Errno.EXDEV, Assert.Throws<PlatformException>(() => Open("in").Dispose()).Errno);
        }
        finally
        {
            Mounts.Unmount(_directory["root/in"], detach: true);
        }

        Open("in").Dispose();
        Assert.True(Nodes.TryStatus(_root, "in"u8, out NodeStatus after));
        Assert.False(after.IsMountRoot);
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData("a\0b")]
    public void What_is_no_name_never_reaches_the_kernel(string name)
    {
        byte[] bytes = System.Text.Encoding.Latin1.GetBytes(name);
        Assert.Throws<ArgumentException>(() => Nodes.TryStatus(_root, bytes, out _));
        Assert.Throws<ArgumentException>(() => Nodes.Remove(_root, bytes, isDirectory: false));
        Assert.Throws<ArgumentException>(() => Nodes.MakeDirectory(_root, bytes));
        Assert.Throws<ArgumentException>(() => Nodes.MakeSymbolicLink(_root, bytes, "x"u8));
        Assert.Throws<ArgumentException>(() => Nodes.MakeLink(_root, "in"u8, _root, bytes));
    }

    [Fact]
    public void Names_are_bytes()
    {
        byte[] name = [0xff, (byte)'\n', 0xfe];
        Nodes.MakeSymbolicLink(_root, name, [0x80, 0x81]);
        DirectoryReader reader = new();
        using SafeFileHandle directory = Open(".");
        reader.Start(directory);
        List<byte[]> names = [];
        while (reader.Next(out ReadOnlySpan<byte> found))
        {
            names.Add(found.ToArray());
        }

        Assert.Equal(2, names.Count);
        Assert.Contains(names, n => n.SequenceEqual(name));
        byte[] link = new byte[16];
        Assert.Equal(2, Nodes.ReadLink(_root, name, link));
        Assert.Equal(Errno.ERANGE, Assert.Throws<PlatformException>(() => Nodes.ReadLink(_root, name, new byte[2])).Errno);
        Assert.True(Nodes.Remove(_root, name, isDirectory: false));
        Assert.False(Nodes.TryStatus(_root, name, out _));
    }

    [Fact]
    public void A_directory_with_something_in_it_is_not_removed()
    {
        File.WriteAllText(_directory["root/in/file"], "x");
        Assert.False(Nodes.Remove(_root, "in"u8, isDirectory: true));
        File.Delete(_directory["root/in/file"]);
        Assert.True(Nodes.Remove(_root, "in"u8, isDirectory: true));
    }

    [Fact]
    public void Many_names_are_all_read()
    {
        for (int i = 0; i < 5000; i++)
        {
            File.Create(_directory[$"root/in/{i}-{new string('x', 40)}"]).Dispose();
        }

        DirectoryReader reader = new();
        using SafeFileHandle directory = Open("in");
        reader.Start(directory);
        HashSet<string> names = [];
        while (reader.Next(out ReadOnlySpan<byte> name))
        {
            names.Add(System.Text.Encoding.ASCII.GetString(name));
        }

        Assert.Equal(5000, names.Count);
    }

    [Fact]
    public void Times_before_1970_and_far_ahead_are_kept()
    {
        foreach ((long seconds, uint nanoseconds) in ((long, uint)[])[(-1, 999_999_999), (0, 0), (10_000_000_000, 1)])
        {
            Nodes.SetModified(_root, "in"u8, seconds, nanoseconds);
            Assert.True(Nodes.TryStatus(_root, "in"u8, out NodeStatus status));
            Assert.Equal((seconds, nanoseconds), (status.ModifiedSeconds, status.ModifiedNanoseconds));
        }
    }

    [Fact]
    public void A_mode_is_set_by_name_but_never_through_a_link()
    {
        Nodes.MakeNode(_root, "fifo"u8, FileType.Fifo, default);
        Nodes.SetMode(_root, "fifo"u8, 0x1a4);
        Assert.True(Nodes.TryStatus(_root, "fifo"u8, out NodeStatus status));
        Assert.Equal((FileType.Fifo, 0x1a4), (status.Type, status.Mode));
        Nodes.MakeSymbolicLink(_root, "link"u8, "fifo"u8);
        Assert.Equal(Errno.EOPNOTSUPP, Assert.Throws<PlatformException>(() => Nodes.SetMode(_root, "link"u8, 0x1ff)).Errno);
        Assert.True(Nodes.TryStatus(_root, "fifo"u8, out status));
        Assert.Equal(0x1a4, status.Mode);
    }

    [Fact]
    public void Holes_are_found()
    {
        using SafeFileHandle file = Nodes.Open(_root, "sparse"u8, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive);
        Contents.SetLength(file, 10 << 20);
        Contents.Write(file, new byte[4096].Select(static _ => (byte)1).ToArray(), 5 << 20);
        Assert.True(Contents.NextData(file, 0, 10 << 20, out long start, out long end));
        Assert.InRange(start, 0, 5 << 20);
        Assert.InRange(end, (5 << 20) + 4096, 10 << 20);
        byte[] buffer = new byte[8192];
        Assert.Equal(8192, Contents.Read(file, buffer, (5 << 20) - 4096));
        Assert.Equal((0, 1), (buffer[4095], buffer[4096]));
        Assert.Equal(4096, Contents.Read(file, buffer, (10 << 20) - 4096));
        Assert.False(Contents.NextData(file, 10 << 20, 10 << 20, out _, out _));
    }

    private SafeFileHandle Open(string path) =>
        Nodes.Open(_root, System.Text.Encoding.UTF8.GetBytes(path), OpenFlags.ReadOnly | OpenFlags.Directory);
}
