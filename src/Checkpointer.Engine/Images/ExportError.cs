using Checkpointer.Platform;

namespace Checkpointer.Engine.Images;

/// <summary>What the system says about the place of an export, as one line with a remedy: the snapshot and the program are sound.</summary>
internal static class ExportError
{
    /// <param name="error">What the system raised.</param>
    /// <param name="target">The directory that was asked for.</param>
    /// <param name="left">Where something of the images is left; null: nothing is.</param>
    public static HostException From(Exception error, string target, string? left)
    {
        var errno = error is PlatformException platform ? platform.Errno : error.HResult;
        var message = $"the images could not be written to {target}: {error.Message.TrimEnd('.')}; {After(left)}";
        return errno is Errno.ENOSPC or Errno.EDQUOT
            ? new HostException("export-no-space", message, Remedy("Free space, or name a directory on another file system.", left), error)
            : new HostException("export-not-written", message, Remedy("Name a directory that can be written.", left), error);
    }

    /// <summary>Another failure, after which the place could not be cleaned up either.</summary>
    public static HostException Left(Exception error, string left) =>
        new("export-not-removed", $"{error.Message.TrimEnd('.')}; {After(left)}", Remedy("Look at the place, then export again.", left), error);

    private static string After(string? left) => left is null ? "nothing of them is left there" : $"what was written is left in {left}";

    private static string Remedy(string remedy, string? left) => left is null ? remedy : $"{remedy} Remove {left} by hand: it holds memory of the workload in clear.";
}
