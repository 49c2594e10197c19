using System.Text;

namespace Checkpointer.Platform;

/// <summary>Reading of /proc files, where a process can end between any two steps.</summary>
public static class ProcText
{
    /// <summary>Largest /proc file that is read as a whole, in bytes: 65,530 mappings with long paths stay below it.</summary>
    public const int MaximumBytes = 64 << 20;

    private const int FirstBuffer = 16 << 10;
    private const int NoSuchProcess = 3; // ESRCH, what /proc gives when a process ended after its file was opened

    /// <summary>The text of a file, or null when the process (or the file) is gone or may not be read.</summary>
    public static string? TryRead(string path)
    {
        byte[]? bytes = TryReadBytes(path);
        return bytes is null ? null : Encoding.UTF8.GetString(bytes);
    }

    /// <summary>As <see cref="TryRead"/>, without decoding.</summary>
    /// <exception cref="InvalidDataException">The file is larger than <see cref="MaximumBytes"/>.</exception>
    public static byte[]? TryReadBytes(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return ReadAll(file, path);
        }
        catch (Exception error) when (IsGone(error))
        {
            return null;
        }
    }

    /// <summary>The lines of a file; none when it is gone.</summary>
    public static IEnumerable<string> Lines(string path)
    {
        return TryRead(path) is { } text ? Split(text) : [];
    }

    /// <summary>The lines of a text, without their ends.</summary>
    public static IEnumerable<string> Split(string text)
    {
        using StringReader reader = new(text);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    /// <summary>Names of a directory's entries; none when it is gone.</summary>
    public static IReadOnlyList<string> Names(string directory)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(directory).Select(p => Path.GetFileName(p)).ToList();
        }
        catch (Exception error) when (IsGone(error))
        {
            return [];
        }
    }

    /// <summary>Undoes the octal escapes (<c>\040</c>) of maps, mountinfo and mounts.</summary>
    public static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        byte[] source = Encoding.UTF8.GetBytes(text);
        byte[] result = new byte[source.Length];
        int length = 0;
        for (int i = 0; i < source.Length; i++)
        {
            if (source[i] == '\\' && i + 3 < source.Length && IsOctal(source[i + 1]) && IsOctal(source[i + 2]) && IsOctal(source[i + 3]))
            {
                result[length++] = (byte)(((source[i + 1] - '0') << 6) | ((source[i + 2] - '0') << 3) | (source[i + 3] - '0'));
                i += 3;
            }
            else
            {
                result[length++] = source[i];
            }
        }

        return Encoding.UTF8.GetString(result, 0, length);
    }

    private static byte[] ReadAll(FileStream file, string path)
    {
        byte[] buffer = new byte[FirstBuffer];
        int length = 0;
        while (true)
        {
            int read = file.Read(buffer, length, buffer.Length - length);
            if (read == 0)
            {
                return buffer[..length];
            }

            length += read;
            if (length == buffer.Length)
            {
                if (length >= MaximumBytes)
                {
                    throw new InvalidDataException($"{path} is larger than {MaximumBytes} bytes");
                }

                Array.Resize(ref buffer, Math.Min(buffer.Length * 4, MaximumBytes));
            }
        }
    }

    private static bool IsOctal(byte value)
    {
        return value is >= (byte)'0' and <= (byte)'7';
    }

    // An IOException carries the errno in its HResult on Linux; other I/O errors of /proc are not expected and must be heard.
    private static bool IsGone(Exception error)
    {
        return error is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException
            || (error is IOException && (error.HResult & 0xffff) == NoSuchProcess);
    }
}
