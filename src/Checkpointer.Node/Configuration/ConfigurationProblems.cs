namespace Checkpointer.Node;

/// <summary>Collects what is wrong with a configuration, so that a person mends all of it in one go.</summary>
internal sealed class ConfigurationProblems(string source)
{
    private readonly List<string> _problems = [];

    public IReadOnlyList<string> All => _problems;

    public void Add(string key, string problem) => _problems.Add($"{key}: {problem}");

    public void ThrowIfAny()
    {
        if (_problems.Count == 0)
        {
            return;
        }

        var count = _problems.Count == 1 ? "1 problem" : $"{_problems.Count} problems";
        throw new UsageException(
            "configuration-invalid",
            $"{source} has {count}:\n  {string.Join("\n  ", _problems)}",
            "Mend the lines named above; docs/operations.md lists every key.");
    }
}
