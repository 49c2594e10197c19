using System.Globalization;
using System.Text.Json;
using CliWrap;

namespace Checkpointer.Engine.Gpu;

/// <summary>Asks <c>checkpointer-gpu inventory</c>. NVML never comes into this process either: a wedged driver hangs whoever asks.</summary>
internal static class GpuInventoryReader
{
    /// <summary>How long NVML may take; the first look at a node without persistence mode initializes every GPU.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The worker keeps the deadline; after this it is killed itself.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>Bytes: the worker's own bound.</summary>
    private const int MaxBytes = 1 << 20;

    /// <summary>Reads the inventory. Never throws but for cancellation: that there is none is an answer.</summary>
    public static async Task<GpuInventory> ReadAsync(string worker, string? library, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!File.Exists(worker))
        {
            return None("nvml-unusable", $"{worker} does not exist");
        }

        using var output = new MemoryStream();
        using var kill = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var late = new CancellationTokenSource(Patience + Grace, time);
        using var link = late.Token.Register(kill.Cancel);
        List<string> arguments = ["inventory", "--deadline", Patience.TotalSeconds.ToString(CultureInfo.InvariantCulture)];
        if (library is not null)
        {
            arguments.AddRange(["--nvml-library", library]);
        }

        try
        {
            await Cli.Wrap(worker)
                .WithArguments(arguments)
                .WithStandardOutputPipe(PipeTarget.Create((stream, token) => CopyAsync(stream, output, token)))
                .WithStandardErrorPipe(PipeTarget.Null)
                .WithValidation(CommandResultValidation.None)
                .ExecuteAsync(kill.Token).ConfigureAwait(false);
            return Parse(output.ToArray());
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return None("nvml-late", "NVML did not answer in time");
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return None("nvml-unusable", e.Message);
        }
    }

    internal static GpuInventory Parse(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, GpuJson.Default.GpuInventory) ?? None("nvml-unreadable", "the inventory is empty");
        }
        catch (JsonException e)
        {
            return None("nvml-unreadable", e.Message);
        }
    }

    private static GpuInventory None(string code, string message) => new() { Error = new GpuInventoryError { Code = code, Message = message } };

    private static async Task CopyAsync(Stream from, MemoryStream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 << 10];
        int read;
        while ((read = await from.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            // What is too long is read to its end, so that nobody blocks, and then does not parse.
            to.Write(buffer, 0, (int)Math.Min(read, MaxBytes - to.Length));
        }
    }
}
