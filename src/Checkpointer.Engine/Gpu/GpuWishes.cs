using System.Text.RegularExpressions;

namespace Checkpointer.Engine.Gpu;

/// <summary>What <c>--gpu OLD=NEW</c> asks for.</summary>
internal static partial class GpuWishes
{
    /// <summary>More than any process has.</summary>
    private const int MaxWishes = 64;

    /// <exception cref="UsageException">Code <c>gpu-map</c>: not pairs of ids, or one id twice.</exception>
    public static IReadOnlyDictionary<string, string> Parse(IReadOnlyList<string> texts)
    {
        Dictionary<string, string> wishes = new(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            var pair = text.Split('=');
            if (texts.Count > MaxWishes || pair.Length != 2 || !Id().IsMatch(pair[0]) || !Id().IsMatch(pair[1]))
            {
                throw new UsageException("gpu-map", $"'{text}' is not a pair of GPUs.", "Write OLD=NEW with ids as `checkpointer node show` prints them: GPU-01234567-89ab-cdef-0123-456789abcdef.");
            }

            if (!wishes.TryAdd(Normal(pair[0]), Normal(pair[1])) || wishes.Values.Distinct(StringComparer.Ordinal).Count() != wishes.Count)
            {
                throw new UsageException("gpu-map", $"'{text}' names a GPU that another pair names.", "Name each old and each new GPU once.");
            }
        }

        return wishes;
    }

    private static string Normal(string id) => "GPU" + id[3..].ToLowerInvariant();

    [GeneratedRegex("^GPU-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Id();
}
