using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Checkpointer.Integration.Tests;

/// <summary>The labs of this run that are not disposed yet. A run that is told to stop cleans them before it ends.</summary>
internal static class LiveLabs
{
    /// <summary>What shells report for a program that SIGTERM ended.</summary>
    private const int StoppedExitCode = 143;

    /// <summary>Long enough for a start that had passed the check to show among the processes.</summary>
    private static readonly TimeSpan StartsUnderWay = TimeSpan.FromMilliseconds(300);

    private static readonly ConcurrentDictionary<LabCleaning, bool> Labs = new();

    // .NET 10 has no handler of its own that would let a process end in good order.
    private static readonly PosixSignalRegistration Stop =
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            System.Environment.Exit(StoppedExitCode);
        });

    private static volatile bool Stopping;

    static LiveLabs() => AppDomain.CurrentDomain.ProcessExit += (_, _) => CleanAll();

    /// <summary>Call before anything is made for the lab: throws when the run is being stopped.</summary>
    internal static void Add(LabCleaning lab)
    {
        GC.KeepAlive(Stop);
        ThrowIfStopping();
        Labs[lab] = true;
    }

    /// <summary>Tests go on while the process ends; they must not start anything any more.</summary>
    internal static void ThrowIfStopping()
    {
        if (Stopping)
        {
            throw new OperationCanceledException("this run of tests is being stopped");
        }
    }

    internal static void Remove(LabCleaning lab) => Labs.TryRemove(lab, out _);

    private static void CleanAll()
    {
        Stopping = true;
        Thread.Sleep(StartsUnderWay);
        foreach (var lab in Labs.Keys)
        {
            try
            {
                lab.RunAsync().Wait();
            }
            catch (AggregateException failure)
            {
                Console.Error.WriteLine("A lab could not be cleaned: " + failure.InnerException!.Message);
            }
        }
    }
}
