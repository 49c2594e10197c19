using System.Diagnostics;
using System.Text;

namespace Checkpointer.Integration.Tests;

/// <summary>A program of a lab that runs while the test goes on: it can be watched, spoken to, signalled and waited for.</summary>
internal sealed class BackgroundRun : IAsyncDisposable
{
    internal const int KilledCode = 137;

    private static readonly TimeSpan LastLines = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly StringBuilder _output = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly string _command;
    private Task? _said;

    private BackgroundRun(Lab lab, string program, IReadOnlyList<string> arguments)
    {
        _command = $"{Path.GetFileName(program)} {string.Join(' ', arguments)}";
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = lab.Directory,
        };
        foreach (var (name, value) in lab.AllSettings())
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) => Remember(_errors, line.Data);
        _process.OutputDataReceived += (_, line) => Remember(_output, line.Data);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    internal int Pid => _process.Id;

    /// <summary>Everything that it said on stderr so far.</summary>
    internal string Errors => Text(_errors);

    /// <summary>Everything that it said on stdout so far.</summary>
    internal string Output => Text(_output);

    internal static BackgroundRun Start(Lab lab, string program, params string[] arguments) => new(lab, program, arguments);

    /// <summary>
    /// The command line, as <see cref="Lab.CheckpointerAsync"/> runs it, and as in a terminal: where the tests run in a script's background, SIGINT is
    /// ignored and would be inherited so.
    /// </summary>
    internal static BackgroundRun Checkpointer(Lab lab, params string[] arguments) =>
        Start(lab, "env", ["--default-signal=INT,QUIT", Installation.Checkpointer, .. arguments]);

    /// <summary>Waits for a word on stderr; fails at once when the program ends without it.</summary>
    internal Task SaysAsync(string word) => AwaitAsync(word, () => Errors);

    /// <summary>As the other, on stdout.</summary>
    internal Task PrintsAsync(string word) => AwaitAsync(word, () => Output);

    internal bool HasEnded => _process.HasExited;

    /// <summary>False while it runs; fails the test when it has ended: then what is waited for can no longer come.</summary>
    internal bool MustRun()
    {
        Assert.False(_process.HasExited, $"{_command} has ended; it said: {Output}{Errors}");
        return false;
    }

    internal void WriteLine()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
    }

    internal async Task<Outcome> EndAsync(TimeSpan? limit = null)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(limit ?? DefaultLimit);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new Xunit.Sdk.XunitException($"'{_command}' did not end; it said: {Errors}");
        }

        return new Outcome(_command, _process.ExitCode, Output, Errors, _clock.Elapsed);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private static void Remember(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.Append(line).Append('\n');
            }
        }
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    /// <summary>It has ended, and its last lines were read too, unless somebody else keeps its streams open.</summary>
    private bool HasSaidAll()
    {
        if (!_process.HasExited)
        {
            return false;
        }

        _said ??= Task.WhenAny(_process.WaitForExitAsync(CancellationToken.None), Task.Delay(LastLines, CancellationToken.None));
        return _said.IsCompleted;
    }

    private Task AwaitAsync(string word, Func<string> text) => Eventually.TrueAsync($"'{word}' from {_command}", TimeSpan.FromSeconds(60), () =>
    {
        var over = HasSaidAll();
        var said = text().Contains(word, StringComparison.Ordinal);
        Assert.True(said || !over, $"{_command} ended without '{word}'; it said: {Output}{Errors}");
        return said;
    });
}
