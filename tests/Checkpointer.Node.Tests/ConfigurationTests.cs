using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node.Tests;

public sealed class ConfigurationTests
{
    [Fact]
    public void A_full_file_is_read()
    {
        var read = Parse("""
            {
              // comments are welcome
              "socket": "/run/a/a.sock",
              "stateDirectory": "/var/lib/a",
              "runDirectory": "/run/a",
              "repositories": {
                "main": { "url": "/srv/checkpoints", "keyFile": "/etc/a.key" },
                "cloud": { "url": "https://x.blob.core.windows.net/c" },
                "safe": { "url": "/srv/safe", "passphraseFile": "/run/secrets/p" },
              },
              "memory": "4G",
              "maxConcurrent": 2,
              "stopTimeout": "90s",
              "metrics": { "listen": "0.0.0.0:9464" },
              "log": { "format": "json", "level": "debug" },
              "criu": "/opt/criu",
              "shimDirectory": "/opt/shim",
              "runtimeEndpoint": "unix:///run/crio/crio.sock",
              "gpu": { "cudaLibrary": "/opt/libcuda.so.1", "nvmlLibrary": "/opt/libnvidia-ml.so.1" },
            }
            """);

        Assert.Equal(
            ("/run/a/a.sock", "/var/lib/a", "/run/a", 4L << 30, 2, TimeSpan.FromSeconds(90)),
            (read.Socket, read.StateDirectory, read.RunDirectory, read.MemoryBytes, read.MaxConcurrent, read.StopTimeout));
        Assert.Equal(new RepositoryEntry("/srv/checkpoints", "/etc/a.key"), read.Repositories["main"]);
        Assert.Equal(
            new RepositoryEntry("https://x.blob.core.windows.net/c", NodeConfiguration.DefaultKeyFile), read.Repositories["cloud"]);
        Assert.Equal(new RepositoryEntry("/srv/safe", "passphrase-file:/run/secrets/p"), read.Repositories["safe"]);
        Assert.Equal(IPEndPoint.Parse("0.0.0.0:9464"), read.MetricsListen);
        Assert.Equal(
            (LogFormat.Json, LogLevel.Debug, "/opt/criu", "/opt/shim"), (read.LogFormat, read.LogLevel, read.CriuPath, read.ShimDirectory));
        Assert.Equal("/run/crio/crio.sock", read.RuntimeEndpoint);
        Assert.Equal(("/opt/libcuda.so.1", "/opt/libnvidia-ml.so.1"), (read.CudaLibrary, read.NvmlLibrary));
    }

    [Fact]
    public void An_empty_object_is_the_defaults()
    {
        Assert.Equivalent(new NodeConfiguration(), Parse("{}"));
    }

    [Fact]
    public void All_problems_are_told_at_once_each_by_its_key()
    {
        var error = Assert.Throws<UsageException>(() => Parse("""
            {
              "sockte": "/run/x",
              "socket": "relative.sock",
              "memory": "lots",
              "maxConcurrent": 0,
              "stopTimeout": "soon",
              "repositories": { "main": { "ulr": "/srv" }, "a/b": { "url": "relative" } },
              "metrics": { "listen": "nowhere", "port": 1 },
              "log": { "format": "xml", "level": 3 },
            }
            """));

        Assert.Equal(("configuration-invalid", ExitCode.Usage), (error.Code, error.ExitCode));
        var lines = error.Message.Split("\n  ");
        Assert.StartsWith("test.json has 13 problems:", lines[0], StringComparison.Ordinal);
        string[] keys =
        [
            "sockte", "socket", "memory", "maxConcurrent", "stopTimeout", "repositories.main.ulr",
            "repositories.main.url", "repositories.a/b", "repositories.a/b.url", "metrics.listen", "metrics.port",
            "log.format", "log.level",
        ];
        Assert.Equal(keys, lines.Skip(1).Select(l => l[..l.IndexOf(": ", StringComparison.Ordinal)]));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("{\"memory\": \"1G\", \"memory\": \"2G\"}")]
    [InlineData("{\"memory\": \"1M\"}")]
    [InlineData("{\"memory\": -5}")]
    [InlineData("{\"maxConcurrent\": 1000}")]
    [InlineData("{\"repositories\": []}")]
    [InlineData("{\"repositories\": {\"a\": {\"url\": \"/r\", \"keyFile\": \"/k\", \"passphraseFile\": \"/p\"}}}")]
    [InlineData("{\"metrics\": {\"listen\": \"127.0.0.1:0\"}}")]
    [InlineData("{\"runtimeEndpoint\": \"tcp://127.0.0.1:1\"}")]
    [InlineData("{\"runtimeEndpoint\": 7}")]
    public void What_makes_no_sense_is_refused(string text)
    {
        var error = Assert.Throws<UsageException>(() => Parse(text));

        Assert.Equal("configuration-invalid", error.Code);
    }

    [Theory]
    [InlineData("9464")]
    [InlineData(":9464")]
    [InlineData("localhost:9464")]
    [InlineData("127.0.0.1:9464")]
    public void A_port_alone_listens_on_loopback(string text)
    {
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 9464), Parse($"{{\"metrics\":{{\"listen\":\"{text}\"}}}}").MetricsListen);
    }

    [Fact]
    public void A_file_that_is_not_there_is_told()
    {
        using var directory = new TempDirectory();

        var error = Assert.Throws<UsageException>(() => NodeConfigurationFile.Load(directory.File("none.json")));

        Assert.Equal("configuration-unreadable", error.Code);
    }

    [Fact]
    public void A_file_that_cannot_be_a_configuration_is_not_read_into_memory()
    {
        using var directory = new TempDirectory();
        using (var file = File.Create(directory.File("huge.json")))
        {
            file.SetLength(1L << 40);
        }

        var error = Assert.Throws<UsageException>(() => NodeConfigurationFile.Load(directory.File("huge.json")));

        Assert.Equal("configuration-invalid", error.Code);
    }

    private static NodeConfiguration Parse(string text) => NodeConfigurationFile.Parse(Encoding.UTF8.GetBytes(text), "test.json");
}
