using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Checkpointer.Testing;

/// <summary>
/// Azurite's blob service on a free port of the loopback. It ends with <see cref="Dispose"/>, or with the process that started it, however that ends.
/// </summary>
public sealed class AzuriteServer : IDisposable
{
    private const int StartSeconds = 60;
    private const int Tries = 3;
    private const int MaxLog = 64 << 10;

    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private readonly ManualResetEventSlim _listens = new();

    private AzuriteServer(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    /// <summary>Its process, for measurements.</summary>
    public int Pid => _process.Id;

    /// <summary>For <c>CHECKPOINTER_AZURITE</c>.</summary>
    public string Endpoint => $"http://127.0.0.1:{Port}";

    /// <summary>What it said so far: the last 64 KiB.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>Why there is no Azurite here; null when there is.</summary>
    public static string? Missing(string root)
    {
        string? node = Node();
        return node is null ? "no node.js in PATH: scripts/setup.sh brings it"
            : File.Exists(Module(root)) ? null
            : "no Azurite in artifacts/azurite: scripts/setup.sh brings it";
    }

    /// <param name="root">The checkout.</param>
    /// <param name="folder">Where it keeps its data; null for memory.</param>
    public static AzuriteServer Start(string root, string? folder = null)
    {
        for (int i = 1; ; i++)
        {
            AzuriteServer server = Launch(root, folder);
            if (server._listens.Wait(TimeSpan.FromSeconds(StartSeconds)) && !server._process.HasExited)
            {
                return server;
            }

            string log = server.Log;
            server.Dispose();
            if (i == Tries)
            {
                throw new InvalidOperationException($"Azurite did not start:\n{log}");
            }
        }
    }

    public string Url(string container, string prefix = "") => $"azurite://127.0.0.1:{Port}/{container}/{prefix}".TrimEnd('/');

    public void Dispose()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }

        _process.Dispose();
        _listens.Dispose();
    }

    private static AzuriteServer Launch(string root, string? folder)
    {
        int port = FreePort();
        ProcessStartInfo start = new(Node()!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CHECKPOINTER_AZURITE_MODULE"] = Module(root);
        string[] storage = folder is null ? ["--inMemoryPersistence"] : ["--location", folder];
        foreach (string argument in (string[])
            [Path.Combine(root, "tests", "azurite", "run.js"), "--blobHost", "127.0.0.1", "--blobPort", $"{port}", "--skipApiVersionCheck", "--disableTelemetry", .. storage])
        {
            start.ArgumentList.Add(argument);
        }

        Process process = new() { StartInfo = start };
        AzuriteServer server = new(process, port);
        process.OutputDataReceived += (_, line) => server.Took(line.Data);
        process.ErrorDataReceived += (_, line) => server.Took(line.Data);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => server.Took(null);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return server;
    }

    private void Took(string? line)
    {
        lock (_log)
        {
            _log.AppendLine(line);
            if (_log.Length > MaxLog)
            {
                _log.Remove(0, _log.Length - MaxLog);
            }
        }

        if (line is null || line.Contains("successfully listens", StringComparison.Ordinal))
        {
            try
            {
                _listens.Set();
            }
            catch (ObjectDisposedException)
            {
                // The last line of one that was ended.
            }
        }
    }

    private static string Module(string root) => Path.Combine(root, "artifacts", "azurite", "node_modules", "azurite", "dist", "src", "blob", "main.js");

    private static string? Node() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(f => f.Length > 0).Select(f => Path.Combine(f, "node")).FirstOrDefault(File.Exists);

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
