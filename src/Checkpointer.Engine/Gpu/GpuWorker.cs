using System.Buffers;
using System.ComponentModel;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Threading.Channels;
using CliWrap;

namespace Checkpointer.Engine.Gpu;

/// <summary>
/// One running <c>checkpointer-gpu</c>. It kills the child that calls the driver by itself when a request's deadline passes; here the
/// worker as a whole is killed when even that does not come. Requests go one at a time.
/// </summary>
internal sealed class GpuWorker : IAsyncDisposable
{
    /// <summary>The worker answers at the deadline itself; one that does not within this is broken.</summary>
    private static readonly TimeSpan AnswerGrace = TimeSpan.FromSeconds(5);

    /// <summary>A worker whose requests ended exits at once.</summary>
    private static readonly TimeSpan ExitGrace = TimeSpan.FromSeconds(5);

    /// <summary>Lines that nobody waits for any more are few; more than this and something floods us.</summary>
    private const int MaxLines = 1024;

    /// <summary>Why an answer is unknown when the worker as a whole ended.</summary>
    public const string Died = "worker-died";

    private readonly Pipe _requests = new();
    private readonly Channel<string> _lines = Channel.CreateBounded<string>(
        new BoundedChannelOptions(MaxLines) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _kill = new();
    private readonly TimeProvider _time;
    private readonly Task<CommandResult> _process;
    private int _number;
    private bool _broken;

    private GpuWorker(string executable, string? library, TimeProvider time)
    {
        _time = time;
        var command = Cli.Wrap(executable)
            .WithArguments(library is null ? ["serve"] : ["serve", "--cuda-library", library])
            .WithStandardInputPipe(PipeSource.FromStream(_requests.Reader.AsStream()))
            .WithStandardOutputPipe(PipeTarget.ToDelegate(line => _lines.Writer.TryWrite(line)))
            .WithStandardErrorPipe(PipeTarget.Null)
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(_kill.Token);
        ProcessId = command.ProcessId;
        _process = command.Task;
        _ = _process.ContinueWith(_ => _lines.Writer.TryComplete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public int ProcessId { get; }

    /// <summary>False after a call whose outcome is unknown for want of any answer, and when it has ended between two calls.</summary>
    public bool IsUsable => !_broken && !_process.IsCompleted;

    /// <exception cref="HostException">Code <c>gpu-worker</c>: it cannot be started.</exception>
    public static GpuWorker Start(string executable, string? library, TimeProvider time)
    {
        try
        {
            return new GpuWorker(executable, library, time);
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            throw new HostException("gpu-worker", $"{executable} cannot be started: {e.Message}", "Install checkpointer whole.", e);
        }
    }

    /// <summary>Asks, and waits for the answer at most the deadline and a little. Never throws for what the worker does.</summary>
    public async Task<GpuAnswer> AskAsync(string request, TimeSpan deadline)
    {
        var id = (++_number).ToString(CultureInfo.InvariantCulture);
        var line = string.Create(CultureInfo.InvariantCulture, $"{id} {(long)Math.Ceiling(deadline.TotalMilliseconds)} {request}\n");
        using var patience = new CancellationTokenSource(deadline + AnswerGrace, _time);
        try
        {
            await _requests.Writer.WriteAsync(Encoding.ASCII.GetBytes(line), patience.Token).ConfigureAwait(false);
            return await ReadAnswerAsync(id + " ", patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException or InvalidOperationException)
        {
            _broken = true;
            await _kill.CancelAsync().ConfigureAwait(false);
            return GpuAnswer.Unanswered(e is OperationCanceledException ? "worker-late" : Died);
        }
    }

    public ValueTask DisposeAsync() => new(HelperProcess.EndAsync(_requests.Writer, _process, _kill, ExitGrace, _time));

    private async Task<GpuAnswer> ReadAnswerAsync(string id, CancellationToken patience)
    {
        List<IReadOnlyDictionary<string, string>> items = [];
        while (true)
        {
            var line = await _lines.Reader.ReadAsync(patience).ConfigureAwait(false);
            if (!line.StartsWith(id, StringComparison.Ordinal))
            {
                continue;
            }

            var rest = line[id.Length..];
            if (!rest.StartsWith("item ", StringComparison.Ordinal))
            {
                return GpuAnswer.Parse(rest, items);
            }

            items.Add(GpuAnswer.ParseWords(rest["item ".Length..]));
        }
    }
}
