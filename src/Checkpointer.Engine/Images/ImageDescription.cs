using System.Text;
using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Images;

/// <summary>What the images of one tree tell about it: as much as an import needs.</summary>
/// <param name="RootPid">The root's pid as the tree sees it.</param>
/// <param name="Processes">How many processes.</param>
/// <param name="ThreadIds">Every pid and tid, ascending.</param>
/// <param name="IsShellJob">The root does not lead its session: it was started from a shell.</param>
/// <param name="Architecture">As uname says; null where the images do not say, or name one that this program does not know.</param>
/// <param name="Command">The root's command; empty where the images do not say.</param>
internal sealed record ImageDescription(int RootPid, int Processes, IReadOnlyList<int> ThreadIds, bool IsShellJob, string? Architecture, string Command)
{
    /// <summary>The version of image directories that CRIU has written since 2.0.</summary>
    private const ulong ImageVersion = 2;

    /// <summary>Characters of a command; the kernel keeps 15.</summary>
    private const int MaxCommand = 64;

    /// <summary>More threads than any kernel allows.</summary>
    private const int MaxThreads = 1 << 22;

    /// <param name="read">Reads a small file of the image whole; null: there is none, or it is larger than <see cref="CriuImage.MaxBytes"/>.</param>
    /// <exception cref="UsageException">These are not the images of a dump (code not-images).</exception>
    public static ImageDescription Read(Func<string, byte[]?> read)
    {
        if (read("inventory.img") is not { } inventory
            || CriuImage.Entries(inventory, CriuImage.InventoryMagic) is not [var head, ..]
            || Number(head.Span, 1) != ImageVersion)
        {
            throw NotImages("it has no inventory.img of a finished dump");
        }

        if (read("pstree.img") is not { } tree || CriuImage.Entries(tree, CriuImage.ProcessTreeMagic) is not { Count: > 0 } processes)
        {
            throw NotImages("it has no pstree.img that can be read");
        }

        SortedSet<int> threads = [];
        foreach (var process in processes)
        {
            AddThreads(process.Span, threads);
        }

        var root = (int)Math.Min(Number(processes[0].Span, 1), int.MaxValue);
        if (root <= 0 || threads.Count == 0 || threads.Count > MaxThreads)
        {
            throw NotImages("its pstree.img names no process");
        }

        var session = Number(processes[0].Span, 4);
        var (architecture, command) = Core(read($"core-{root}.img"));
        return new ImageDescription(root, processes.Count, [.. threads], session != (ulong)root, architecture, command);
    }

    private static (string? Architecture, string Command) Core(byte[]? file)
    {
        if (file is null || CriuImage.Entries(file, CriuImage.CoreMagic) is not [var core, ..])
        {
            return (null, "");
        }

        var architecture = Number(core.Span, 1) switch
        {
            1 => "x86_64",
            3 => "aarch64",
            _ => null,
        };
        var command = Text(Bytes(core.Span, 3), 6);
        return (architecture, command);
    }

    private static void AddThreads(ReadOnlySpan<byte> process, SortedSet<int> threads)
    {
        ProtobufReader reader = new(process);
        while (reader.Next(out var field, out var value, out _))
        {
            // The pid itself, and each thread.
            if (field is 1 or 5 && value is > 0 and <= int.MaxValue)
            {
                threads.Add((int)value);
            }
        }
    }

    private static ulong Number(ReadOnlySpan<byte> message, int wanted)
    {
        ProtobufReader reader = new(message);
        while (reader.Next(out var field, out var value, out _))
        {
            if (field == wanted)
            {
                return value;
            }
        }

        return 0;
    }

    private static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> message, int wanted)
    {
        ProtobufReader reader = new(message);
        while (reader.Next(out var field, out _, out var bytes))
        {
            if (field == wanted)
            {
                return bytes;
            }
        }

        return [];
    }

    private static string Text(ReadOnlySpan<byte> message, int wanted)
    {
        var bytes = Bytes(message, wanted);
        var text = Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, MaxCommand)]);
        return new string([.. text.Where(static c => !char.IsControl(c))]);
    }

    private static UsageException NotImages(string why) => new(
        "not-images", $"the directory holds no images that can be imported: {why}", "Name the directory that was given to 'criu dump --images-dir'.");
}
