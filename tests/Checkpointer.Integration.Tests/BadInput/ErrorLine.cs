namespace Checkpointer.Integration.Tests;

/// <summary>What every error must look like: the contract's exit code, a stable code, one line, and how to mend it.</summary>
internal static class ErrorLine
{
    internal static void MustSay(this Outcome outcome, int exitCode, string code)
    {
        outcome.MustExit(exitCode);
        Assert.Equal(code, outcome.ErrorCode);
        var error = outcome.Json.GetProperty("error");
        Assert.DoesNotContain('\n', error.GetProperty("message").GetString()!);
        Assert.False(string.IsNullOrWhiteSpace(error.GetProperty("remedy").GetString()), $"no remedy: {outcome}");
        Assert.Contains(exitCode == 6 ? "ATTENTION: " : "error: ", outcome.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", outcome.Stderr, StringComparison.Ordinal);
    }
}
