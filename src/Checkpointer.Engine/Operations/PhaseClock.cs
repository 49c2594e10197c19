using System.Diagnostics;

namespace Checkpointer.Engine;

/// <summary>Times the phases of one operation. What lies between phases shows up as <c>unaccounted</c>, never disappears.</summary>
internal sealed class PhaseClock
{
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Dictionary<string, double> _phases = [];
    private string? _current;
    private long _entered;

    public PhaseClock(TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
    }

    /// <summary>Ends the current phase and begins another; a phase that is entered twice adds up.</summary>
    public void Enter(string phase)
    {
        Leave();
        _current = phase;
        _entered = _time.GetTimestamp();
    }

    public void Leave()
    {
        if (_current is null)
        {
            return;
        }

        _phases[_current] = _phases.GetValueOrDefault(_current) + _time.GetElapsedTime(_entered).TotalMilliseconds;
        _current = null;
    }

    /// <summary>Phase to milliseconds, with the remainder and the total.</summary>
    public Dictionary<string, double> Finish()
    {
        Leave();
        var total = _time.GetElapsedTime(_start).TotalMilliseconds;
        var result = _phases.ToDictionary(static p => p.Key, static p => Math.Round(p.Value, 3));
        var unaccounted = total - _phases.Values.Sum();
        Debug.Assert(unaccounted > -1, "phases overlap");
        result["unaccounted"] = Math.Round(Math.Max(0, unaccounted), 3);
        result["total"] = Math.Round(total, 3);
        return result;
    }
}
