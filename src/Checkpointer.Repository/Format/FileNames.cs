namespace Checkpointer.Repository;

/// <summary>The rule for names of files in a snapshot. They are names, never paths that this library opens.</summary>
internal static class FileNames
{
    public static bool IsValid(string name)
    {
        if (name.Length is 0 or > SnapshotWriter.MaxFileName)
        {
            return false;
        }

        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            if (char.IsControl(c) || (char.IsSurrogate(c) && !(char.IsHighSurrogate(c) && i + 1 < name.Length && char.IsLowSurrogate(name[i + 1]) && ++i > 0)))
            {
                return false;
            }
        }

        return true;
    }
}
