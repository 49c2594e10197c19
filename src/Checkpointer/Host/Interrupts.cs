using System.Runtime.InteropServices;

namespace Checkpointer.Cli;

/// <summary>
/// SIGINT, SIGTERM and SIGHUP. The first one cancels <see cref="Token"/> and the process goes on: the verb rolls back and ends with 130.
/// While <see cref="Forward"/> is in force the signals are handed on instead and cancel nothing.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private volatile Action<PosixSignal>? _forward;

    /// <summary>Nothing is caught until <see cref="Listen"/>: help and completion die at once, as people expect.</summary>
    public CancellationToken Token => _cancellation.Token;

    /// <summary>Told at the first signal, so that a person sees that it was heard.</summary>
    public Action<PosixSignal>? Heard { get; set; }

    /// <param name="isPatient">
    /// Whether a second signal waits for the rollback as well; otherwise it ends the process as it always does.
    /// </param>
    public void Listen(bool isPatient)
    {
        if (_registrations.Count > 0)
        {
            return;
        }

        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = isPatient || !_cancellation.IsCancellationRequested || _forward is not null;
                Raise(context.Signal);
            }));
        }
    }

    /// <summary>What a signal does; tests call it instead of sending one.</summary>
    public void Raise(PosixSignal signal)
    {
        if (_forward is { } forward)
        {
            forward(signal);
            return;
        }

        if (!_cancellation.IsCancellationRequested)
        {
            Heard?.Invoke(signal);
            _cancellation.Cancel();
        }
    }

    /// <summary>Hands signals to <paramref name="forward"/> until the result is disposed.</summary>
    public IDisposable Forward(Action<PosixSignal> forward)
    {
        _forward = forward;
        return new Restorer(this);
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _registrations.Clear();
        _cancellation.Dispose();
    }

    private sealed class Restorer(Interrupts owner) : IDisposable
    {
        public void Dispose() => owner._forward = null;
    }
}
