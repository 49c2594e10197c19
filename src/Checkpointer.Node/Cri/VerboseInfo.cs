using System.Text.Json;

namespace Checkpointer.Node.Cri;

/// <summary>
/// The JSON that a runtime adds to a verbose answer: containerd tells <c>pid</c>, <c>runtimeSpec</c> (OCI) and <c>config</c> (what CRI
/// was asked for); CRI-O tells <c>pid</c>, <c>runtimeSpec</c> and <c>privileged</c>. Labels and variables in it are user data.
/// </summary>
internal sealed class VerboseInfo : IDisposable
{
    /// <summary>The entry of the answer's map.</summary>
    private const string Key = "info";

    /// <summary>Levels; a specification has about ten.</summary>
    private const int MaxDepth = 64;

    /// <summary>The kernel's limit for pids (PID_MAX_LIMIT).</summary>
    private const long MaxPid = 4 << 20;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>Nothing was told.</summary>
    public static readonly VerboseInfo None = new(null);

    private readonly JsonDocument? _document;

    private VerboseInfo(JsonDocument? document) => _document = document;

    /// <summary>The process id, or null where none is told (a container that does not run has 0).</summary>
    public int? Pid => Root.Part("pid").Number() is > 0 and <= MaxPid and var pid ? (int)pid : null;

    /// <summary>What CRI was asked for; containerd only.</summary>
    public JsonElement Config => Root.Part("config");

    /// <summary>What the container was made with.</summary>
    public JsonElement Spec => Root.Part("runtimeSpec");

    public bool Privileged => Root.Part("privileged").Flag() || Config.Part("linux").Part("security_context", "privileged").Flag();

    private JsonElement Root => _document?.RootElement ?? default;

    /// <exception cref="HostException">Code <c>runtime-answer</c>: it is not JSON.</exception>
    public static VerboseInfo Read(IDictionary<string, string> info, string label)
    {
        if (!info.TryGetValue(Key, out var text) || text.Length == 0)
        {
            return new VerboseInfo(null);
        }

        try
        {
            // Its length is bounded by the answer that it came with.
            return new VerboseInfo(JsonDocument.Parse(text, Options));
        }
        catch (JsonException e)
        {
            throw CriErrors.BadAnswer(label, e.Message, e);
        }
    }

    public void Dispose() => _document?.Dispose();
}
