using System.Text.Json;

namespace Checkpointer.Integration.Tests;

/// <summary>What one run of a program left: exit code and both outputs.</summary>
internal sealed record Outcome(string Command, int ExitCode, string Stdout, string Stderr, TimeSpan Elapsed)
{
    /// <summary>Stdout as the one JSON object that <c>--json</c> promises.</summary>
    internal JsonElement Json
    {
        get
        {
            try
            {
                return JsonDocument.Parse(Stdout).RootElement;
            }
            catch (JsonException)
            {
                throw new Xunit.Sdk.XunitException("stdout is not one JSON object: " + this);
            }
        }
    }

    /// <summary>Fails the test, with all that the program said, unless it exited with this code.</summary>
    internal Outcome MustExit(int code)
    {
        Assert.True(ExitCode == code, $"expected exit code {code}: {this}");
        return this;
    }

    internal Outcome MustSucceed() => MustExit(0);

    /// <summary>The <c>code</c> of the error that <c>--json</c> reported.</summary>
    internal string ErrorCode => Json.GetProperty("error").GetProperty("code").GetString()!;

    public override string ToString() =>
        $"'{Command}' exited with {ExitCode} after {Elapsed.TotalSeconds:F1} s\n--- stdout\n{Stdout}\n--- stderr\n{Stderr}";
}
