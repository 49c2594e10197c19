namespace Checkpointer.Engine;

/// <summary>Creates the directories in which the engine keeps what only root may see.</summary>
internal static class StateDirectories
{
    /// <summary>Owner only (0700).</summary>
    public const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes the directory and its parents.</summary>
    /// <exception cref="HostException">It cannot be made.</exception>
    public static void Create(string path)
    {
        try
        {
            Directory.CreateDirectory(path, Private);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HostException(
                "state-directory",
                $"The directory {path} cannot be made: {e.Message}",
                "Run as root, and have the directory where files can be written: CHECKPOINTER_STATE_DIR and CHECKPOINTER_RUN_DIR name others, "
                    + "for a service its configuration.",
                e);
        }
    }
}
