using System.Security.Cryptography;
using Checkpointer.Engine.Restoring;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Support;

/// <summary>The cgroup of a restore that never was; it goes with the test, after whatever the test put into it.</summary>
internal sealed class TemporaryCgroup : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private TemporaryCgroup(string operation)
    {
        Operation = operation;
        Cgroup = Cgroup.Create(TreeCgroup.NameOf(operation));
    }

    public string Operation { get; }

    public Cgroup Cgroup { get; }

    public bool Exists => Cgroup.Open(TreeCgroup.NameOf(Operation)) is not null;

    /// <summary>Skips the test where no cgroups can be made.</summary>
    public static TemporaryCgroup Create()
    {
        if (Cgroup.Mode == CgroupMode.None || Host.EffectiveUid != 0)
        {
            Assert.Skip("needs cgroups and root");
        }

        return new TemporaryCgroup("test-" + RandomNumberGenerator.GetHexString(10, lowercase: true));
    }

    public void Dispose()
    {
        Assert.Null(TreeCgroup.EndAll(Operation, Patience));
        Assert.True(TreeCgroup.Remove(Operation, Patience));
    }
}
