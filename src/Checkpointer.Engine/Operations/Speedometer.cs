namespace Checkpointer.Engine;

/// <summary>Bytes per second over the last looks, smoothed so that a display does not flicker.</summary>
internal sealed class Speedometer
{
    /// <summary>Weight of the newest look.</summary>
    private const double Smoothing = 0.3;

    private readonly TimeProvider _time;
    private long _lastBytes;
    private long _lastTime;
    private double _speed;

    public Speedometer(TimeProvider time)
    {
        _time = time;
        _lastTime = time.GetTimestamp();
    }

    public double Update(long bytes)
    {
        var now = _time.GetTimestamp();
        var seconds = _time.GetElapsedTime(_lastTime, now).TotalSeconds;
        if (seconds > 0)
        {
            var current = (bytes - _lastBytes) / seconds;
            _speed = _speed == 0 ? current : (Smoothing * current) + ((1 - Smoothing) * _speed);
            _lastBytes = bytes;
            _lastTime = now;
        }

        return _speed;
    }
}
