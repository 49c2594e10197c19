using System.Text.Json.Serialization;

namespace Checkpointer;

/// <summary>How much a finding weighs. Blockers refuse always; overridables refuse unless forced; notes inform. The JSON names are a contract.</summary>
public enum FindingSeverity
{
    /// <summary>Worth knowing; refuses nothing.</summary>
    [JsonStringEnumMemberName("note")]
    Note,

    /// <summary>Refuses, but <c>--force</c> lifts it.</summary>
    [JsonStringEnumMemberName("overridable")]
    Overridable,

    /// <summary>Refuses always.</summary>
    [JsonStringEnumMemberName("blocker")]
    Blocker,
}

/// <summary>One result of a check.</summary>
/// <param name="Code">Stable kebab-case name; scripts may compare it.</param>
/// <param name="Severity">How much it weighs.</param>
/// <param name="Subject">What it is about, such as a process, a file or a CPU flag.</param>
/// <param name="Found">What is there.</param>
/// <param name="Needed">What would have to be there.</param>
/// <param name="Remedy">How a person can mend it, in one sentence.</param>
public sealed record Finding(string Code, FindingSeverity Severity, string Subject, string Found, string Needed, string Remedy);
