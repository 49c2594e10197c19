namespace Checkpointer.Repository;

/// <summary>The rule for labels of keys: people read them on terminals and write them on command lines.</summary>
internal static class KeyLabels
{
    /// <summary>Characters.</summary>
    internal const int MaxLength = 64;

    public static bool IsValid(string label) => label.Length is > 0 and <= MaxLength && !label.Any(c => char.IsControl(c) || char.IsSurrogate(c));

    /// <summary>Code key-label.</summary>
    public static void Require(string? label)
    {
        if (label is not null && !IsValid(label))
        {
            throw new UsageException("key-label", $"a label has 1 to {MaxLength} characters and no control characters", "for example --label 'node pool b'");
        }
    }
}
