using System.ComponentModel;
using Checkpointer.Platform;
using CliWrap;

namespace Checkpointer.Engine.Criu;

/// <summary>
/// Runs CRIU. It is never killed as a first resort: the caller ends a dump by closing its pipes, so that CRIU cures the tasks;
/// cancellation here waits for that, then asks (SIGTERM), then kills. A killed CRIU leaves the workload running, but possibly a
/// network lock and sockets in repair mode: the caller's recovery has to clear them.
/// </summary>
public sealed class CriuRunner
{
    private static readonly TimeSpan OutputGrace = TimeSpan.FromSeconds(2); // for the last lines after CRIU's end

    private readonly TimeProvider _time;

    public CriuRunner(TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
    }

    /// <summary>How long CRIU may take, after the cancellation, to undo and end by itself.</summary>
    public TimeSpan CloseGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it may take after SIGTERM.</summary>
    public TimeSpan TerminateGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it may take after SIGKILL: only a task that the kernel holds (a hung disk) takes longer.</summary>
    public TimeSpan KillGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Runs CRIU to its end. A non-zero exit code is a result, not an exception.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; CRIU has ended.</exception>
    /// <exception cref="HostException">Code <c>criu-broken</c>: it could not be started.</exception>
    /// <exception cref="OperationFailedException">Code <c>criu-stuck</c>: it was killed and did not end; the tree may still be in its hands.</exception>
    public async Task<CriuResult> RunAsync(CriuRun run, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long started = _time.GetTimestamp();
        BoundedOutput output = new();
        using CancellationTokenSource stopReading = new();
        CommandTask<CommandResult> task = Start(run, output, stopReading.Token);
        using PidFd? process = PidFd.Open(task.ProcessId);
        run.OnStarted?.Invoke(task.ProcessId);
        Task<CommandResult> ended = task.Task;
        try
        {
            if (process is not null)
            {
                await WaitExitAsync(process, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            stopReading.CancelAfter(OutputGrace);
        }

        CommandResult result = await ended.ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return new CriuResult(result.ExitCode, output.ToString(), run.LogPath, _time.GetElapsedTime(started));
    }

    private static CommandTask<CommandResult> Start(CriuRun run, BoundedOutput output, CancellationToken stopReading)
    {
        List<string> words = [.. run.PrefixCommand.Count == 0 ? NewSession() : run.PrefixCommand, run.Criu.Path, .. run.Arguments];
        PipeTarget target = PipeTarget.Create((stream, _) => output.DrainAsync(stream, stopReading));
        try
        {
            return Cli.Wrap(words[0])
                .WithArguments(words.Skip(1))
                .WithWorkingDirectory(run.WorkDirectory)
                .WithEnvironmentVariables(CriuEnvironment.Build(run.Environment))
                .WithStandardOutputPipe(target)
                .WithStandardErrorPipe(target)
                .WithValidation(CommandResultValidation.None)
                .ExecuteAsync(CancellationToken.None);
        }
        catch (Exception error) when (error is Win32Exception or InvalidOperationException)
        {
            throw new HostException("criu-broken", $"{words[0]} cannot be started: {error.Message}", "check the installation of CRIU", error);
        }
    }

    // A Ctrl-C at the terminal goes to our whole process group. CRIU must not get it: it would end in the middle of a dump.
    // A prefix command is expected to see to that itself. setsid is a part of util-linux; where it is missing (a bare container image) there is no terminal either.
    private static IEnumerable<string> NewSession()
    {
        string? setsid = CriuEnvironment.SearchPath.Split(':').Select(d => Path.Combine(d, "setsid")).FirstOrDefault(File.Exists);
        return setsid is null ? [] : [setsid];
    }

    private async Task WaitExitAsync(PidFd process, CancellationToken cancellationToken)
    {
        if (await WaitAsync(process, Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false)
            || await WaitAsync(process, CloseGrace, CancellationToken.None).ConfigureAwait(false))
        {
            return;
        }

        process.Signal(Signals.Terminate);
        if (!await WaitAsync(process, TerminateGrace, CancellationToken.None).ConfigureAwait(false))
        {
            process.Signal(Signals.Kill);
            if (!await WaitAsync(process, KillGrace, CancellationToken.None).ConfigureAwait(false))
            {
                throw new OperationFailedException(
                    "criu-stuck",
                    $"CRIU (process {process.Pid}) did not end within {Durations.Format(KillGrace)} of being killed.",
                    "The kernel holds it: look at dmesg for a disk or network file system that hangs.");
            }
        }
    }

    // Waiting for a pidfd blocks its thread: it gets one of its own, not the pool's.
    private static Task<bool> WaitAsync(PidFd process, TimeSpan timeout, CancellationToken cancellationToken)
    {
        return Task.Factory.StartNew(
            () =>
            {
                try
                {
                    return process.WaitExit(timeout, cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    return false;
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }
}
