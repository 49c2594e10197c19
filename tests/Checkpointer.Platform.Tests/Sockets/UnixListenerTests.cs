namespace Checkpointer.Platform.Tests;

public sealed class UnixListenerTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TempDirectory _directory = new();

    private string Path => _directory["s.sock"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_client_gets_through_and_both_know_who_is_there()
    {
        using UnixListener listener = UnixListener.Bind(Path);
        Assert.Null(listener.TryAccept());
        using UnixConnection client = UnixListener.Connect(Path, Patience);
        using UnixConnection server = listener.Accept(Patience, CancellationToken.None);
        Assert.Equal(new PeerCredentials(Environment.ProcessId, Host.EffectiveUid, server.Peer.Gid), server.Peer);
        Assert.Equal(Environment.ProcessId, client.Peer.Pid);
        Assert.All([listener.Handle, client.Handle, server.Handle], handle => Assert.True(DescriptorFlags.IsCloseOnExec(handle)));
        Assert.False(DescriptorFlags.IsNonBlocking(server.Handle));
        Assert.False(DescriptorFlags.IsNonBlocking(client.Handle));
        client.Write([7]);
        byte[] one = new byte[1];
        Assert.True(server.ReadExactly(one));
        Assert.Equal(7, one[0]);
    }

    [Fact]
    public void The_socket_is_its_owners_only_and_goes_with_the_listener()
    {
        using (UnixListener.Bind(Path))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
        }

        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void A_stale_socket_is_replaced_and_a_live_one_is_not()
    {
        UnixListener dead = UnixListener.Bind(Path);
        dead.Handle.Dispose(); // as by SIGKILL: the path stays
        using UnixListener alive = UnixListener.Bind(Path);
        Assert.Equal(Errno.EADDRINUSE, Assert.Throws<PlatformException>(() => UnixListener.Bind(Path)).Errno);
        alive.TryAccept()?.Dispose(); // the second one's probe
        UnixListener.Connect(Path, Patience).Dispose();
    }

    [Fact]
    public void Another_kind_of_file_is_left_alone()
    {
        File.WriteAllText(Path, "precious");
        Assert.Equal(Errno.EADDRINUSE, Assert.Throws<PlatformException>(() => UnixListener.Bind(Path)).Errno);
        Assert.Equal("precious", File.ReadAllText(Path));
    }

    [Fact]
    public void A_listener_does_not_remove_its_successors_socket()
    {
        UnixListener first = UnixListener.Bind(Path);
        File.Delete(Path);
        using UnixListener second = UnixListener.Bind(Path);
        first.Dispose();
        UnixListener.Connect(Path, Patience).Dispose();
    }

    [Fact]
    public void A_path_that_is_longer_than_sun_path_works()
    {
        string deep = _directory[new string('d', 150)];
        Directory.CreateDirectory(deep);
        string path = System.IO.Path.Combine(deep, "s.sock");
        using (UnixListener listener = UnixListener.Bind(path))
        {
            using UnixConnection client = UnixListener.Connect(path, Patience);
            listener.Accept(Patience, CancellationToken.None).Dispose();
        }

        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_name_that_no_socket_can_have_is_refused() =>
        Assert.Equal(Errno.ENAMETOOLONG, Assert.Throws<PlatformException>(() => UnixListener.Bind(_directory[new string('n', 120)])).Errno);

    [Fact]
    public void Nobody_listens_is_told_at_once()
    {
        Assert.Equal(Errno.ENOENT, Assert.Throws<PlatformException>(() => UnixListener.Connect(Path, Patience)).Errno);
        UnixListener.Bind(Path).Handle.Dispose();
        Assert.Equal(Errno.ECONNREFUSED, Assert.Throws<PlatformException>(() => UnixListener.Connect(Path, Patience)).Errno);
    }

    [Fact]
    public void A_full_queue_times_out()
    {
        using UnixListener listener = UnixListener.Bind(Path, backlog: 1);
        List<UnixConnection> clients = [];
        try
        {
            Assert.Throws<TimeoutException>(() =>
            {
                for (int i = 0; i < 10; i++)
                {
                    clients.Add(UnixListener.Connect(Path, TimeSpan.FromMilliseconds(50)));
                }
            });
            Assert.NotEmpty(clients);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public void Accepting_ends_by_timeout_or_cancellation()
    {
        using UnixListener listener = UnixListener.Bind(Path);
        Assert.Throws<TimeoutException>(() => listener.Accept(TimeSpan.FromMilliseconds(20), CancellationToken.None));
        using CancellationTokenSource cancelled = new(TimeSpan.FromMilliseconds(20));
        Assert.ThrowsAny<OperationCanceledException>(() => listener.Accept(Patience, cancelled.Token));
    }

    [Fact]
    public void Another_process_is_told_apart_by_its_pid()
    {
        if (!File.Exists("/usr/bin/python3"))
        {
            Assert.Skip("needs python3 as the other process");
        }

        using UnixListener listener = UnixListener.Bind(Path);
        using Child child = Child.Start(
            "/usr/bin/python3",
            "-c",
            "import socket,sys;s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1]);s.recv(1)",
            Path);
        using UnixConnection server = listener.Accept(Patience, CancellationToken.None);
        Assert.Equal(child.Pid, server.Peer.Pid);
    }
}
