using System.Globalization;
using System.Net;
using System.Text.Json;
using Checkpointer.Node.Cri;
using Checkpointer.Repository;

namespace Checkpointer.Node;

/// <summary>Reads one value of the configuration file; what is wrong goes to the problems, and the fallback is returned.</summary>
internal readonly struct ConfigurationReader(string key, JsonElement value, ConfigurationProblems problems)
{
    /// <summary>Characters. Names stand in URLs, metrics and logs.</summary>
    private const int MaxNameLength = 64;

    public string Key => key;

    public ConfigurationProblems Problems => problems;

    public string AbsolutePath(string fallback)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text && text[0] == '/' && !text.Contains('\0'))
        {
            return text;
        }

        problems.Add(key, $"{value.GetRawText()} is not an absolute path");
        return fallback;
    }

    public long Bytes(long fallback, long least)
    {
        long bytes;
        try
        {
            bytes = value.ValueKind switch
            {
                JsonValueKind.String => ByteSize.Parse(value.GetString()!),
                JsonValueKind.Number when value.TryGetInt64(out var number) => number,
                _ => throw new UsageException("size", "not a size"),
            };
        }
        catch (UsageException)
        {
            problems.Add(key, $"{value.GetRawText()} is not a size (write \"512M\" or \"4G\")");
            return fallback;
        }

        if (bytes < least)
        {
            problems.Add(key, $"{value.GetRawText()} is too small; at least {ByteSize.Format(least)} are needed");
            return fallback;
        }

        return bytes;
    }

    public int Integer(int fallback, int least, int most)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= most)
        {
            return number;
        }

        problems.Add(key, $"{value.GetRawText()} is not a number from {least} to {most}");
        return fallback;
    }

    public TimeSpan Duration(TimeSpan fallback)
    {
        try
        {
            if (value.ValueKind == JsonValueKind.String)
            {
                return Durations.Parse(value.GetString()!);
            }
        }
        catch (UsageException)
        {
            // Told below, in the words of the file.
        }

        problems.Add(key, $"{value.GetRawText()} is not a duration (write \"90s\" or \"5m\")");
        return fallback;
    }

    public T Choice<T>(T fallback, IReadOnlyDictionary<string, T> choices)
    {
        if (value.ValueKind == JsonValueKind.String && choices.TryGetValue(value.GetString()!, out var choice))
        {
            return choice;
        }

        problems.Add(key, $"{value.GetRawText()} is none of {string.Join(", ", choices.Keys)}");
        return fallback;
    }

    /// <summary>"9464", ":9464" or "localhost:9464" is loopback only; another address has to be written out.</summary>
    public IPEndPoint? EndPoint()
    {
        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Number => value.GetRawText(),
            _ => "",
        };
        var bare = text.StartsWith("localhost:", StringComparison.Ordinal) ? text["localhost".Length..] : text;
        if (int.TryParse(bare.AsSpan(bare.StartsWith(':') ? 1 : 0), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= IPEndPoint.MaxPort)
        {
            return new IPEndPoint(IPAddress.Loopback, port);
        }

        if (IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port > 0)
        {
            return endPoint;
        }

        problems.Add(key, $"{value.GetRawText()} is not a TCP address (write \"127.0.0.1:9464\")");
        return null;
    }

    /// <summary>A container runtime's socket, with or without <c>unix://</c>.</summary>
    public string? RuntimeEndpoint()
    {
        try
        {
            if (value.ValueKind == JsonValueKind.String)
            {
                return CriEndpoint.PathOf(value.GetString()!);
            }
        }
        catch (UsageException)
        {
            // Told below, in the words of the file.
        }

        problems.Add(key, $"{value.GetRawText()} is not the path of a container runtime's socket (write \"/run/containerd/containerd.sock\")");
        return null;
    }

    public IReadOnlyDictionary<string, RepositoryEntry> Repositories()
    {
        var result = new Dictionary<string, RepositoryEntry>(StringComparer.Ordinal);
        foreach (var (name, entry) in Section())
        {
            if (name.Length is 0 or > MaxNameLength || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            {
                problems.Add(entry.Key, "a repository's name has letters, digits, '-', '_' and '.' only");
            }

            if (entry.Repository() is { } repository)
            {
                result[name] = repository;
            }
        }

        return result;
    }

    private RepositoryEntry? Repository()
    {
        string? url = null;
        string? keyFile = null;
        string? passphraseFile = null;
        foreach (var (name, reader) in Section())
        {
            switch (name)
            {
                case "url":
                    url = reader.RepositoryUrl();
                    break;
                case "keyFile":
                    keyFile = reader.AbsolutePath(NodeConfiguration.DefaultKeyFile);
                    break;
                case "passphraseFile":
                    passphraseFile = reader.AbsolutePath("/");
                    break;
                default:
                    problems.Add(reader.Key, "unknown key");
                    break;
            }
        }

        if (url is null && value.ValueKind == JsonValueKind.Object && !value.TryGetProperty("url", out _))
        {
            problems.Add($"{key}.url", "is missing");
        }

        if (keyFile is not null && passphraseFile is not null)
        {
            problems.Add(key, "has both a keyFile and a passphraseFile; name one");
        }

        var reference = passphraseFile is null
            ? keyFile ?? NodeConfiguration.DefaultKeyFile
            : new KeyReference(true, passphraseFile).ToString();
        return url is null ? null : new RepositoryEntry(url, reference);
    }

    private string? RepositoryUrl()
    {
        if (value.ValueKind == JsonValueKind.String && RepositoryAccess.IsAbsolute(value.GetString()!))
        {
            return value.GetString();
        }

        problems.Add(key, $"{value.GetRawText()} is neither an absolute path nor a URL");
        return null;
    }

    public IEnumerable<(string Name, ConfigurationReader Reader)> Section()
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            problems.Add(key, "must be an object");
            return [];
        }

        var (prefix, all) = (key, problems);
        return value.EnumerateObject().Select(p => (p.Name, new ConfigurationReader($"{prefix}.{p.Name}", p.Value, all)));
    }
}
