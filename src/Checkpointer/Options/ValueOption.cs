using System.CommandLine;

namespace Checkpointer.Cli;

/// <summary>An option with a value, and how it is written rightly: the error about a wrong value shows it.</summary>
internal sealed class ValueOption<T>(string name, string example) : Option<T>(name), IExampleOption
{
    public string Example { get; } = example;
}

/// <summary>An option that can show itself written rightly.</summary>
internal interface IExampleOption
{
    /// <summary>For example <c>--pid 4711</c>.</summary>
    string Example { get; }
}
