using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Repository;

/// <summary>
/// Reads small secret files as they come from a person, from a Kubernetes Secret or from a Key Vault mount: symbolic links are followed (both mounts use them),
/// read-only places are fine, and the length is bounded before anything is taken.
/// </summary>
internal static class SecretFile
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <param name="path">The file, or a pipe that somebody writes it into.</param>
    /// <param name="maxLength">Bytes; a longer one is <see cref="InvalidDataException"/>.</param>
    /// <param name="warning">What is wrong with its permissions although it can be used, or null.</param>
    /// <exception cref="InvalidDataException">It is too long, a directory, or anybody may write it.</exception>
    public static byte[] Read(string path, int maxLength, out string? warning)
    {
        if (Directory.Exists(path))
        {
            // Opening one is answered as if a privilege were missing.
            throw new InvalidDataException("it is a directory");
        }

        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        warning = CheckMode(stream.SafeFileHandle, path);

        // One byte more than allowed: a longer file (or a device) shows without being read whole.
        byte[] buffer = new byte[maxLength + 1];
        int length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        if (length > maxLength)
        {
            throw new InvalidDataException("it is too long");
        }

        int start = buffer.AsSpan(0, length).StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0;
        return buffer[start..length];
    }

    /// <summary>
    /// Whoever can write the file can swap the key, and the next repository would be sealed for them: an error. Whoever can read it can read every snapshot:
    /// a warning only, because the mounts of Kubernetes are 0644 by default, and a refusal in an emergency un-reads nothing.
    /// </summary>
    private static string? CheckMode(SafeFileHandle handle, string path)
    {
        UnixFileMode mode = File.GetUnixFileMode(handle);
        if ((mode & UnixFileMode.OtherWrite) != 0 && !IsPipe(path))
        {
            throw new InvalidDataException("anybody may write it (chmod 0600)");
        }

        return (mode & UnixFileMode.OtherRead) != 0 && !IsPipe(path)
            ? $"{path} can be read by every user of this machine, who can then read every snapshot; make it 0600 (in a Kubernetes volume: defaultMode 0400)"
            : null;
    }

    private static bool IsPipe(string path) => path.StartsWith("/dev/fd/", StringComparison.Ordinal) || path.StartsWith("/proc/self/fd/", StringComparison.Ordinal);
}
