using Checkpointer.Engine;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Checkpointer.Cli.Progress;

/// <summary>A bar for each phase on a terminal; finished phases stay with what they took.</summary>
internal sealed class LiveProgress(TextWriter writer, StderrLines lines, TimeProvider time) : IProgressDisplay
{
    /// <summary>Fast enough to look alive; a redraw costs well under a millisecond.</summary>
    private static readonly TimeSpan RefreshRate = TimeSpan.FromMilliseconds(100);

    public async Task<T> ShowAsync<T>(Func<IProgress<OperationProgress>, Task<T>> work)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
        });
        var details = new DetailColumn();
        var display = console.Progress()
            .AutoClear(false)
            .HideCompleted(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, details);
        display.RefreshRate = RefreshRate;

        lines.Redirect(line => console.WriteLine(line));
        try
        {
            return await display.StartAsync(async context =>
            {
                var phases = new Phases(context, details, time);
                try
                {
                    var result = await work(phases).ConfigureAwait(false);
                    phases.End(succeeded: true);
                    return result;
                }
                catch (Exception)
                {
                    phases.End(succeeded: false);

                    // Without this the last frame would be one from before the failure.
                    context.Refresh();
                    throw;
                }
            }).ConfigureAwait(false);
        }
        finally
        {
            lines.Redirect(null);
        }
    }

    /// <summary>Follows the phases of one operation: each gets a task of its own.</summary>
    private sealed class Phases(ProgressContext context, DetailColumn details, TimeProvider time) : IProgress<OperationProgress>
    {
        private readonly Lock _lock = new();
        private OperationProgress? _last;
        private ProgressTask? _task;
        private long _start;

        public void Report(OperationProgress value)
        {
            lock (_lock)
            {
                if (_last?.Phase != value.Phase)
                {
                    EndLocked(succeeded: true);
                    if (value.Phase == OperationPhase.Done)
                    {
                        return;
                    }

                    _start = time.GetTimestamp();
                    _task = context.AddTask(Markup.Escape(value.Phase));
                }

                _last = value;
                var percent = ProgressText.Percent(value);
                _task!.IsIndeterminate = percent is null;
                _task.Value = percent ?? 0;
                details.Set(_task.Id, ProgressText.Running(value));
            }
        }

        public void End(bool succeeded)
        {
            lock (_lock)
            {
                EndLocked(succeeded);
            }
        }

        private void EndLocked(bool succeeded)
        {
            if (_task is { } task && _last is { } last)
            {
                var text = ProgressText.Finished(last, time.GetElapsedTime(_start));
                details.Set(task.Id, succeeded ? text : $"failed after {text}");
                task.IsIndeterminate = false;
                task.Value = succeeded ? task.MaxValue : task.Value;
                task.StopTask();
            }

            (_task, _last) = (null, null);
        }
    }

    /// <summary>The words behind a bar.</summary>
    private sealed class DetailColumn : ProgressColumn
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<int, string> _texts = [];

        protected override bool NoWrap => true;

        public void Set(int task, string text)
        {
            lock (_lock)
            {
                _texts[task] = text;
            }
        }

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            lock (_lock)
            {
                return new Text(_texts.GetValueOrDefault(task.Id, "")) { Overflow = Overflow.Ellipsis };
            }
        }
    }
}
