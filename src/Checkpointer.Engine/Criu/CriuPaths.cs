using System.Globalization;
using System.Text;

namespace Checkpointer.Engine.Criu;

/// <summary>What dump and restore have in common.</summary>
public static class CriuPaths
{
    /// <summary>
    /// Longest images directory in bytes: CRIU cuts <c>DIR/streamer-capture.sock</c> silently at the 107 bytes of a unix socket's
    /// name, and then finds no streamer.
    /// </summary>
    public const int LongestImagesDirectory = 85;

    /// <summary>Refuses a directory that is too long.</summary>
    /// <exception cref="UsageException">Code <c>images-directory-too-long</c>.</exception>
    public static void CheckImagesDirectory(string directory)
    {
        int length = Encoding.UTF8.GetByteCount(directory);
        if (length > LongestImagesDirectory)
        {
            throw new UsageException(
                "images-directory-too-long",
                $"the working directory {directory} has {length} bytes, and CRIU's socket allows {LongestImagesDirectory}",
                "use a shorter run directory");
        }
    }

    internal static IReadOnlyList<string> Common(string images, string work, string library, string log, int level)
    {
        return
        [
            "--no-default-config",
            "--stream",
            "--images-dir", images,
            "--work-dir", work,
            "--libdir", library,
            "--log-file", log,
            "-v" + level.ToString(CultureInfo.InvariantCulture),
        ];
    }
}
