using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// Reads one file of the image ahead of its reader: a cursor takes buffers and runs, several buffers at a time so that the store is asked for long ranges, they are
/// decoded in parallel, and what is decoded goes, in the file's order and without a copy, into the pipe <see cref="Output"/>.
/// </summary>
internal sealed class FileFeed
{
    // Bytes in the pipe: data is bounded by the buffers anyway, this bounds zero pieces, which need none.
    private const long PauseAt = 4 << 20;
    private const long ResumeAt = PauseAt / 2;

    // Zeroes handed over between two flushes: a long zero run must see the pipe's pause.
    private const long FlushEvery = 1 << 20;

    private readonly IImageSource _image;
    private readonly SnapshotFile _file;
    private readonly ServeBudget _budget;
    private readonly FileAllowance _allowance;
    private readonly Task<PrimedFile?>? _priming;
    private readonly Action<Exception> _onFailure;
    private readonly CancellationTokenSource _stop;
    private readonly Channel<Task<Fill>> _decoding = Channel.CreateUnbounded<Task<Fill>>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true }); // bounded by the buffers that each fill holds
    private readonly HandOverPool _pool = new();
    private readonly Pipe _pipe;
    private readonly Lock _gate = new();
    private Action? _onData;
    private Task? _running;
    private Exception? _failure;

    /// <param name="image">Where the file is.</param>
    /// <param name="file">Which it is.</param>
    /// <param name="budget">The memory.</param>
    /// <param name="allowance">The file's part of it.</param>
    /// <param name="priming">Ends with what was read of it already; null: nothing was.</param>
    /// <param name="onFailure">Told at once of what cannot be read, also while what comes before it is still awaited.</param>
    /// <param name="stopping">Everything ends.</param>
    public FileFeed(
        IImageSource image,
        SnapshotFile file,
        ServeBudget budget,
        FileAllowance allowance,
        Task<PrimedFile?>? priming,
        Action<Exception> onFailure,
        CancellationToken stopping)
    {
        _onFailure = onFailure;
        _priming = priming;
        _image = image;
        _file = file;
        _budget = budget;
        _allowance = allowance;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _pipe = new Pipe(new PipeOptions(
            _pool,
            PipeScheduler.Inline,
            PipeScheduler.ThreadPool,
            PauseAt,
            ResumeAt,
            minimumSegmentSize: 1, // what is offered is taken, however short
            useSynchronizationContext: false));
    }

    /// <summary>The bytes. Completes with the error when the file cannot be read.</summary>
    public PipeReader Output => _pipe.Reader;

    /// <summary>Called on any thread when there is something new in <see cref="Output"/>.</summary>
    public void OnData(Action callback) => Volatile.Write(ref _onData, callback);

    /// <summary>Starts reading; once is enough. The task ends without an error when everything was handed over, or with the error.</summary>
    public Task Start()
    {
        lock (_gate)
        {
            return _running ??= Task.Run(RunAsync, CancellationToken.None);
        }
    }

    /// <summary>The reader went away: read no further. <see cref="Output"/> must have been completed before.</summary>
    public void Cancel()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has read to its end already.
        }
    }

    /// <summary>It was primed and nobody ever started it; everything that primed it has ended.</summary>
    public void Abandon()
    {
        lock (_gate)
        {
            if (_running is null)
            {
                _running = Task.CompletedTask;
                if (_priming is { IsCompletedSuccessfully: true, Result: { } primed })
                {
                    primed.File.Dispose();
                }
                _stop.Dispose();
            }
        }
    }

    private async Task RunAsync()
    {
        Exception? error = null;
        try
        {
            PrimedFile? primed = _priming is null ? null : await _priming.ConfigureAwait(false);
            using IImageFile file = primed?.File ?? _image.Open(_file.Name);
            Task handOver = HandOverAsync();
            try
            {
                if (primed is not null)
                {
                    _decoding.Writer.TryWrite(DecodedAsync(primed.Fill, primed.Decoded));
                }
                await CollectAsync(file, primed?.Bytes ?? 0).ConfigureAwait(false);
            }
            finally
            {
                _decoding.Writer.Complete();
                await handOver.ConfigureAwait(false); // before the file is closed, because decoders use it; its error counts first
            }
        }
        catch (Exception e)
        {
            error = e;
            throw;
        }
        finally
        {
            await _pipe.Writer.CompleteAsync(error).ConfigureAwait(false);
            Volatile.Read(ref _onData)?.Invoke();
            _stop.Dispose();
        }
    }

    private async Task CollectAsync(IImageFile file, long position)
    {
        while (position < _file.Length)
        {
            int blocks = await _budget.AwaitRoomAsync(_allowance, _stop.Token).ConfigureAwait(false);
            FillBuffer? buffer = await _budget.AcquireAsync(_allowance, _stop.Token).ConfigureAwait(false);
            List<Fill> fills = [];
            try
            {
                do
                {
                    fills.Add(new Fill(_budget, _allowance, buffer));
                    position += await fills[^1].CollectAsync(file, _file.Name, position, _file.Length, _stop.Token).ConfigureAwait(false);
                    buffer = position < _file.Length && fills.Count < blocks ? _budget.TryAcquire(_allowance) : null;
                }
                while (buffer is not null);
            }
            catch
            {
                fills.ForEach(static f => f.Release());
                throw;
            }
            Task[] decoding = _image.Decode([.. fills.SelectMany((f, i) => f.Targets(file, i))], fills.Count, _stop.Token);
            for (int i = 0; i < fills.Count; i++)
            {
                _decoding.Writer.TryWrite(DecodedAsync(fills[i], decoding[i]));
            }
        }
    }

    // The buffer goes back also when the decoder fails; nobody else knows it then. And what is still on its way is not wanted any more.
    private async Task<Fill> DecodedAsync(Fill fill, Task decoding)
    {
        try
        {
            await decoding.ConfigureAwait(false);
            return fill;
        }
        catch (Exception e)
        {
            fill.Release();
            if (e is not OperationCanceledException && Interlocked.CompareExchange(ref _failure, e, null) is null)
            {
                _onFailure(e);
                await _stop.CancelAsync().ConfigureAwait(false);
            }
            throw;
        }
    }

    private async Task HandOverAsync()
    {
        Exception? error = null;
        await foreach (Task<Fill> decoding in _decoding.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            try
            {
                Fill fill = await decoding.ConfigureAwait(false);
                await WriteAsync(fill, skip: error is not null).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // The cursor need not go on; what is still being decoded is awaited and given back. The first error is the cause.
                error ??= e;
                await _stop.CancelAsync().ConfigureAwait(false);
            }
        }
        if (error is not null)
        {
            ExceptionDispatchInfo.Throw(_failure ?? error);
        }
    }

    private async Task WriteAsync(Fill fill, bool skip)
    {
        try
        {
            long unflushed = 0;
            foreach (IMemoryOwner<byte> piece in skip ? [] : fill.Pieces())
            {
                unflushed += piece.Memory.Length;
                _pool.Write(_pipe.Writer, piece);
                if (unflushed >= FlushEvery)
                {
                    await FlushAsync().ConfigureAwait(false);
                    unflushed = 0;
                }
            }
            await FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            fill.Release();
        }
    }

    private async ValueTask FlushAsync()
    {
        ValueTask<FlushResult> flush = _pipe.Writer.FlushAsync(_stop.Token);
        Volatile.Read(ref _onData)?.Invoke();
        FlushResult result = await flush.ConfigureAwait(false);
        if (result.IsCompleted)
        {
            throw new OperationCanceledException("The reader went away."); // it has completed the pipe
        }
    }
}
