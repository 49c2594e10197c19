using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node.Tests;

/// <summary>One log record as a test looks at it.</summary>
internal sealed record LogRecord(LogLevel Level, int EventId, string Text, IReadOnlyDictionary<string, object?> Fields);

/// <summary>Keeps every log record.</summary>
internal sealed class RecordingLogger : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<LogRecord> _records = new();

    public IReadOnlyCollection<LogRecord> Records => _records;

    public IEnumerable<LogRecord> WithId(int eventId) => _records.Where(r => r.EventId == eventId);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var fields = state as IReadOnlyList<KeyValuePair<string, object?>> ?? [];
        _records.Enqueue(new LogRecord(logLevel, eventId.Id, formatter(state, exception), fields.ToDictionary(f => f.Key, f => f.Value)));
    }

    public void Dispose()
    {
    }
}
