using Microsoft.Extensions.Logging;

namespace Checkpointer.Cli.Running;

/// <summary>The embedded engine's log as lines on standard error: warnings and errors, or everything with CHECKPOINTER_DEBUG=1.</summary>
internal sealed class StderrLoggerFactory(StderrLines lines, bool debug) : ILoggerFactory
{
    /// <summary>Events with the error that ends the verb: it is told once, with its remedy. They are the engine's and the writer's.</summary>
    private static readonly string[] ToldAnyway = ["CheckpointFailed", "RestoreFailed", "WriterFailed"];

    private readonly LogLevel _lowest = debug ? LogLevel.Debug : LogLevel.Warning;

    public ILogger CreateLogger(string categoryName) => new StderrLogger(lines, _lowest);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("This log has one destination.");

    public void Dispose()
    {
        // Nothing is held.
    }

    private sealed class StderrLogger(StderrLines lines, LogLevel lowest) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= lowest && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel) || (lowest > LogLevel.Debug && ToldAnyway.Contains(eventId.Name)))
            {
                return;
            }

            var name = logLevel switch
            {
                LogLevel.Critical or LogLevel.Error => "log error",
                LogLevel.Warning => "warning",
                _ => "debug",
            };
            var cause = exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})";
            lines.Write(Errors.ErrorText.OneLine($"{name}: {formatter(state, exception)}{cause}"));
        }
    }
}
