namespace Checkpointer.Platform.Tests;

public class ErrorTests
{
    [Fact]
    public void Exit_codes_never_change()
    {
        Dictionary<string, int> documented = new()
        {
            ["Done"] = 0,
            ["Failed"] = 1,
            ["Usage"] = 2,
            ["Refused"] = 3,
            ["Repository"] = 4,
            ["Environment"] = 5,
            ["Attention"] = 6,
            ["Cancelled"] = 130,
        };
        Assert.Equal(documented, Enum.GetValues<ExitCode>().ToDictionary(code => code.ToString(), code => (int)code));
    }

    [Fact]
    public void Each_kind_of_error_has_its_exit_code()
    {
        CheckpointerException[] errors =
        [
            new OperationFailedException("c", "m"),
            new PlatformException("c", "m"),
            new UsageException("c", "m"),
            new RefusedException("c", "m"),
            new RepositoryException("c", "m"),
            new HostException("c", "m"),
            new AttentionException("c", "m"),
            new OperationCancelledException("c", "m"),
        ];
        Assert.Equal([1, 1, 2, 3, 4, 5, 6, 130], errors.Select(error => (int)error.ExitCode));
        Assert.All(errors, error => Assert.Equal(WorkloadState.Untouched, error.Workload));
    }

    [Fact]
    public void A_failed_system_call_keeps_its_number_and_says_it_in_words()
    {
        PlatformException error = PlatformException.FromErrno("open /x", Errno.ENOENT);
        Assert.Equal(Errno.ENOENT, error.Errno);
        Assert.Contains("open /x", error.Message, StringComparison.Ordinal);
        Assert.Contains("No such file", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FindingSeverity.Note, false, false)]
    [InlineData(FindingSeverity.Note, true, false)]
    [InlineData(FindingSeverity.Overridable, false, true)]
    [InlineData(FindingSeverity.Overridable, true, false)]
    [InlineData(FindingSeverity.Blocker, false, true)]
    [InlineData(FindingSeverity.Blocker, true, true)]
    public void Force_lifts_overridables_only(FindingSeverity severity, bool force, bool refuses)
    {
        Verdict verdict = new([new Finding("n", FindingSeverity.Note, "", "", "", ""), new Finding("c", severity, "", "", "", "")]);
        Assert.Equal(refuses, verdict.Refuses(force));
    }
}
