using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>
/// Reads the configuration file. It is JSON (comments and trailing commas are allowed), every key is optional,
/// an unknown key is an error, and all errors are told at once (<see cref="UsageException"/>, code <c>configuration-invalid</c>).
/// </summary>
public static class NodeConfigurationFile
{
    /// <summary>Bytes; a real file has a few hundred. Bounds what a wrong path can make us read.</summary>
    public const int MaxFileBytes = 1 << 20;

    private static readonly JsonDocumentOptions Options = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
        MaxDepth = 8,
    };

    /// <summary>Reads a file. A missing one is an error: name none to get the defaults.</summary>
    public static NodeConfiguration Load(string path)
    {
        byte[] bytes;
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (stream.Length > MaxFileBytes)
            {
                throw new UsageException("configuration-invalid", $"{path} has {stream.Length} bytes; at most {MaxFileBytes} are read.");
            }

            bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(
                "configuration-unreadable",
                $"The configuration file {path} cannot be read: {e.Message}",
                "Name an existing file with --config.",
                e);
        }

        return Parse(bytes, path);
    }

    /// <summary>Reads the text of a configuration file; <paramref name="source"/> names it in errors.</summary>
    public static NodeConfiguration Parse(ReadOnlyMemory<byte> utf8, string source)
    {
        var problems = new ConfigurationProblems(source);
        var result = new NodeConfiguration();
        try
        {
            using var document = JsonDocument.Parse(utf8, Options);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                problems.Add("file", "must be a JSON object");
            }
            else
            {
                result = Read(document.RootElement, problems);
            }
        }
        catch (JsonException e)
        {
            problems.Add($"line {e.LineNumber + 1}", $"not JSON: {e.Message}");
        }

        problems.ThrowIfAny();
        return result;
    }

    private static NodeConfiguration Read(JsonElement root, ConfigurationProblems problems)
    {
        var result = new NodeConfiguration();
        foreach (var property in root.EnumerateObject())
        {
            var reader = new ConfigurationReader(property.Name, property.Value, problems);
            result = property.Name switch
            {
                "socket" => result with { Socket = reader.AbsolutePath(result.Socket) },
                "stateDirectory" => result with { StateDirectory = reader.AbsolutePath(result.StateDirectory) },
                "runDirectory" => result with { RunDirectory = reader.AbsolutePath(result.RunDirectory) },
                "criu" => result with { CriuPath = reader.AbsolutePath("") },
                "shimDirectory" => result with { ShimDirectory = reader.AbsolutePath("") },
                "runtimeEndpoint" => result with { RuntimeEndpoint = reader.RuntimeEndpoint() },
                "repositories" => result with { Repositories = reader.Repositories() },
                "memory" => result with { MemoryBytes = reader.Bytes(result.MemoryBytes, NodeConfiguration.MinMemoryBytes) },
                "maxConcurrent" => result with
                {
                    MaxConcurrent = reader.Integer(result.MaxConcurrent, 1, NodeConfiguration.MaxMaxConcurrent),
                },
                "stopTimeout" => result with { StopTimeout = reader.Duration(result.StopTimeout) },
                "metrics" => ReadMetrics(result, reader),
                "log" => ReadLog(result, reader),
                "gpu" => ReadGpu(result, reader),
                _ => Unknown(result, property.Name, problems),
            };
        }

        if (result.Socket.Length > SocketPlace.MaxPathBytes)
        {
            problems.Add(
                "socket", $"'{result.Socket}' is longer than {SocketPlace.MaxPathBytes} bytes, the kernel's limit for socket paths");
        }

        return result;
    }

    private static NodeConfiguration ReadMetrics(NodeConfiguration result, ConfigurationReader section)
    {
        foreach (var (name, reader) in section.Section())
        {
            result = name switch
            {
                "listen" => result with { MetricsListen = reader.EndPoint() },
                _ => Unknown(result, reader.Key, section.Problems),
            };
        }

        return result;
    }

    private static NodeConfiguration ReadLog(NodeConfiguration result, ConfigurationReader section)
    {
        foreach (var (name, reader) in section.Section())
        {
            result = name switch
            {
                "format" => result with { LogFormat = reader.Choice(result.LogFormat, Formats) },
                "level" => result with { LogLevel = reader.Choice(result.LogLevel, Levels) },
                _ => Unknown(result, reader.Key, section.Problems),
            };
        }

        return result;
    }

    private static NodeConfiguration ReadGpu(NodeConfiguration result, ConfigurationReader section)
    {
        foreach (var (name, reader) in section.Section())
        {
            result = name switch
            {
                "cudaLibrary" => result with { CudaLibrary = reader.AbsolutePath("") },
                "nvmlLibrary" => result with { NvmlLibrary = reader.AbsolutePath("") },
                _ => Unknown(result, reader.Key, section.Problems),
            };
        }

        return result;
    }

    private static readonly IReadOnlyDictionary<string, LogFormat> Formats = new Dictionary<string, LogFormat>
    {
        ["auto"] = LogFormat.Auto,
        ["text"] = LogFormat.Text,
        ["json"] = LogFormat.Json,
        ["systemd"] = LogFormat.Systemd,
    };

    private static readonly IReadOnlyDictionary<string, LogLevel> Levels = new Dictionary<string, LogLevel>
    {
        ["debug"] = LogLevel.Debug,
        ["information"] = LogLevel.Information,
        ["warning"] = LogLevel.Warning,
        ["error"] = LogLevel.Error,
    };

    private static NodeConfiguration Unknown(NodeConfiguration result, string key, ConfigurationProblems problems)
    {
        problems.Add(key, "unknown key");
        return result;
    }
}
