namespace Checkpointer.Cli;

/// <summary>Whole lines on standard error, one at a time, wherever they come from. Thread-safe.</summary>
internal sealed class StderrLines(TextWriter writer)
{
    private readonly Lock _lock = new();
    private Action<string>? _sink;

    public void Write(string line)
    {
        lock (_lock)
        {
            if (_sink is { } sink)
            {
                sink(line);
            }
            else
            {
                writer.WriteLine(line);
            }
        }
    }

    /// <summary>Sends the lines elsewhere (above a live display) until null is given.</summary>
    public void Redirect(Action<string>? sink)
    {
        lock (_lock)
        {
            _sink = sink;
        }
    }
}
