using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Tests.Criu;

public sealed class CriuOptionOverridesTests
{
    [Theory]
    [InlineData("tcp-established", "yes", "--tcp-established")]
    [InlineData("skip-in-flight", "yes", "--skip-in-flight")]
    [InlineData("file-locks", "yes", "--file-locks")]
    [InlineData("shell-job", "yes", "--shell-job")]
    [InlineData("ext-unix-sk", "yes", "--ext-unix-sk")]
    [InlineData("link-remap", "yes", "--link-remap")]
    [InlineData("ghost-limit", "64M", "--ghost-limit 67108864")]
    [InlineData("network-lock", "skip", "--network-lock skip")]
    [InlineData("manage-cgroups", "soft", "--manage-cgroups=soft")]
    public void What_is_set_reaches_the_command_line(string name, string value, string argument)
    {
        Assert.DoesNotContain(argument, Line(new TreeOptions()), StringComparison.Ordinal);

        Assert.Contains(argument, Line(Apply(new TreeOptions(), name, value)), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_known_option_takes_each_of_its_values()
    {
        Assert.All(CriuOptionOverrides.Known, option => Assert.All(option.Value.DefaultIfEmpty("1M"), value => Apply(new TreeOptions(), option.Key, value)));
    }

    [Fact]
    public void What_was_derived_can_be_taken_back()
    {
        TreeOptions derived = new() { FileLocks = true, ShellJob = true };

        TreeOptions options = Apply(derived, "file-locks", "no");

        Assert.False(options.FileLocks);
        Assert.True(options.ShellJob);
    }

    [Fact]
    public void Restores_repeat_what_both_sides_need()
    {
        IReadOnlyList<string> arguments = Apply(new TreeOptions(), "manage-cgroups", "full").RestoreArguments(closeTcp: false);

        Assert.Contains("--manage-cgroups=full", arguments);
    }

    [Theory]
    [InlineData("exec-cmd", "yes", "criu-option-unknown")]
    [InlineData("file-locks", "maybe", "criu-option-value")]
    [InlineData("manage-cgroups", "soft --exec-cmd", "criu-option-value")]
    [InlineData("network-lock", "iptables", "criu-option-value")]
    [InlineData("ghost-limit", "much", "criu-option-value")]
    [InlineData("ghost-limit", "0", "criu-option-value")]
    public void What_is_not_on_the_list_is_refused(string name, string value, string code)
    {
        Assert.Equal(code, Assert.Throws<UsageException>(() => Apply(new TreeOptions(), name, value)).Code);
    }

    [Fact]
    public void Only_what_differs_is_noted()
    {
        Dictionary<string, string> overrides = new() { ["file-locks"] = "yes", ["shell-job"] = "yes" };

        Finding note = Assert.Single(CriuOptionOverrides.Notes(new TreeOptions { FileLocks = true }, overrides));

        Assert.Equal(("criu-option-set", FindingSeverity.Note, "shell-job"), (note.Code, note.Severity, note.Subject));
    }

    [Fact]
    public void A_forged_cgroup_mode_in_a_manifest_is_refused()
    {
        TreeOptions forged = new() { ManageCgroups = "soft --exec-cmd" };

        Assert.Equal("manifest-refused", Assert.Throws<RepositoryException>(() => forged.RestoreArguments(closeTcp: false)).Code);
    }

    private static TreeOptions Apply(TreeOptions options, string name, string value) =>
        CriuOptionOverrides.Apply(options, new Dictionary<string, string> { [name] = value });

    private static string Line(TreeOptions options) => string.Join(' ', options.DumpArguments());
}
