using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Checkpointer.Node;

/// <summary>Where and how the service logs: on stderr, as text, JSON, or for journald.</summary>
internal static class NodeLogging
{
    /// <summary>systemd sets it where stderr is connected to the journal.</summary>
    private const string JournalVariable = "JOURNAL_STREAM";

    private const string Timestamp = "yyyy-MM-ddTHH:mm:ss.fffZ ";

    public static void Configure(ILoggingBuilder logging, NodeConfiguration configuration)
    {
        logging.SetMinimumLevel(configuration.LogLevel);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("OpenTelemetry", LogLevel.Warning);
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        switch (Resolve(configuration.LogFormat))
        {
            case LogFormat.Json:
                logging.AddJsonConsole(json =>
                {
                    json.UseUtcTimestamp = true;
                    json.TimestampFormat = Timestamp.TrimEnd();
                });
                break;
            case LogFormat.Systemd:
                logging.AddSystemdConsole();
                break;
            default:
                logging.AddSimpleConsole(text =>
                {
                    text.SingleLine = true;
                    text.UseUtcTimestamp = true;
                    text.TimestampFormat = Timestamp;
                });
                break;
        }
    }

    private static LogFormat Resolve(LogFormat format)
    {
        return format != LogFormat.Auto ? format
            : string.IsNullOrEmpty(Environment.GetEnvironmentVariable(JournalVariable)) ? LogFormat.Text : LogFormat.Systemd;
    }
}
