namespace Checkpointer.Engine.Gpu;

/// <summary>
/// Where the time of the GPU part of an operation goes, part by part and deed by deed. One deed at a time; what is none of them shows up
/// as <c>unaccounted</c>.
/// </summary>
internal sealed class GpuClock
{
    /// <summary>Starting the worker until it has loaded the driver and answers.</summary>
    public const string Worker = "worker";

    /// <summary>What the driver itself says that its calls took.</summary>
    public const string Driver = "driver";

    /// <summary>The way of requests and answers between engine, worker and driver.</summary>
    public const string Requests = "requests";

    /// <summary>Making the journal durable.</summary>
    public const string Journal = "journal";

    /// <summary>Reading how much memory the processes have.</summary>
    public const string Memory = "memory";

    /// <summary>Looking whether the processes let go of their devices, and waiting for it.</summary>
    public const string Release = "release";

    /// <summary>Finding the processes of a restored tree.</summary>
    public const string Tree = "tree";

    /// <summary>NVML's list of GPUs.</summary>
    public const string Inventory = "inventory";

    private readonly TimeProvider _time;
    private Dictionary<string, double> _deeds = [];
    private long _start;

    public GpuClock(TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
    }

    /// <summary>Forgets what was before: a new part begins.</summary>
    public void Begin()
    {
        _deeds = [];
        _start = _time.GetTimestamp();
    }

    public void Add(string deed, TimeSpan spent) => _deeds[deed] = _deeds.GetValueOrDefault(deed) + spent.TotalMilliseconds;

    public T Measure<T>(string deed, Func<T> work)
    {
        var start = _time.GetTimestamp();
        try
        {
            return work();
        }
        finally
        {
            Add(deed, _time.GetElapsedTime(start));
        }
    }

    public void Measure(string deed, Action work) => Measure(deed, () =>
    {
        work();
        return true;
    });

    public async Task<T> MeasureAsync<T>(string deed, Func<Task<T>> work)
    {
        var start = _time.GetTimestamp();
        try
        {
            return await work().ConfigureAwait(false);
        }
        finally
        {
            Add(deed, _time.GetElapsedTime(start));
        }
    }

    /// <summary>Deed to milliseconds since the part began, with the remainder and the total.</summary>
    public Dictionary<string, double> Finish()
    {
        var total = _time.GetElapsedTime(_start).TotalMilliseconds;
        var result = _deeds.ToDictionary(static d => d.Key, static d => Math.Round(d.Value, 3));
        result["unaccounted"] = Math.Round(Math.Max(0, total - _deeds.Values.Sum()), 3);
        result["total"] = Math.Round(total, 3);
        return result;
    }
}
