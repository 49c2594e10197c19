using System.Text;

namespace Checkpointer.Engine;

/// <summary>Reads text files that other programs write, never more than a bound.</summary>
internal static class BoundedText
{
    /// <summary>A program's error output; the first lines tell. Bytes.</summary>
    private const int MaxBytes = 64 << 10;

    /// <summary>The beginning of the file, or nothing when it does not exist.</summary>
    public static string Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            var buffer = new byte[Math.Min(stream.Length, MaxBytes)];
            return Encoding.UTF8.GetString(buffer, 0, stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return "";
        }
    }
}
