using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Preflight;

public sealed class FileStateTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _directory.Dispose();
    }

    [Fact]
    public void Files_on_tmpfs_are_listed_for_capture()
    {
        Assert.SkipUnless(FileSystems.IsTmpfs("/dev/shm"), "/dev/shm is no tmpfs here");
        string name = "ckpt-" + Guid.NewGuid().ToString("N");
        using PythonProcess python = PythonProcess.Start($"""
            from multiprocessing import shared_memory
            shared = shared_memory.SharedMemory(create=True, size=8192, name='{name}')
            opened = open('/dev/shm/{name}-open', 'w')
            opened.write('abc')
            opened.flush()
            """, _directory.Path);
        try
        {
            Inspection inspection = python.Inspect();

            FileStateEntry mapped = Assert.Single(inspection.TmpfsFiles, f => f.Path == "/dev/shm/" + name);
            FileStateEntry opened = Assert.Single(inspection.TmpfsFiles, f => f.Path == $"/dev/shm/{name}-open");
            Assert.Equal((8192L, true, true), (mapped.Size, mapped.Mapped, mapped.Writable));
            Assert.Equal((3L, false, true), (opened.Size, opened.Mapped, opened.Writable));
            Assert.Equal(FileStatus.Of(mapped.Path)!.Inode, mapped.Inode);
            Assert.Equal(FileStatus.Of(mapped.Path)!.Device.Value, mapped.Device);
            Assert.Empty(inspection.WritableFiles);
        }
        finally
        {
            File.Delete("/dev/shm/" + name);
            File.Delete($"/dev/shm/{name}-open");
        }
    }

    [Fact]
    public void Open_files_are_recorded_and_logs_are_not_held_to_their_size()
    {
        Assert.SkipWhen(FileSystems.IsTmpfs(_directory.Path), "the temporary directory is a tmpfs");
        Inspection inspection = Inspect("""
            log = open('log', 'a')
            data = open('data', 'w+')
            data.write('12345')
            data.flush()
            read = open('/etc/passwd')
            """);

        Assert.Equal(["data", "log"], inspection.WritableFiles.Select(f => Path.GetFileName(f.Path)));
        Assert.Equal(5, inspection.WritableFiles[0].Size);
        Assert.Equal([("/etc/passwd", true), (_directory.File("data"), true), (_directory.File("log"), false)],
            inspection.Requirement.OpenFiles.Select(f => (f.Path, f.SizeChecked)).Order());
        Assert.Empty(inspection.TmpfsFiles);
    }

    [Fact]
    public void Files_that_grew_since_the_inspection_are_required_as_they_are_when_the_tree_stands_still()
    {
        using PythonProcess python = PythonProcess.Start("data = open('data', 'w+')\ngone = open('gone', 'w+')", _directory.Path);
        Inspection inspection = python.Inspect();
        File.WriteAllText(_directory.File("data"), "12345");
        File.Delete(_directory.File("gone"));

        var files = RequirementBuilder.WhileFrozen(inspection.Requirement, inspection.Tree).OpenFiles;

        OpenFile data = Assert.Single(files, f => f.Path == _directory.File("data"));
        Assert.Equal(5, data.Size);
        Assert.Equal(FileStatus.Of(data.Path)!.ModifiedNanoseconds, data.ModifiedNanoseconds);
        Assert.Equal(0, Assert.Single(files, f => f.Path == _directory.File("gone")).Size);
    }

    [Fact]
    public void A_large_deleted_file_raises_the_limit()
    {
        Inspection inspection = Inspect("import os\nf = open('gone', 'w')\nf.write('x' * 3000000)\nf.flush()\nos.unlink('gone')");

        Assert.Equal(InspectOptions.DefaultGhostMaximum, inspection.Options.GhostLimit);
        Assert.Contains(inspection.Verdict.Findings, f => f is { Code: "ghost-files", Severity: FindingSeverity.Note });
        Assert.Empty(inspection.WritableFiles);
    }

    [Fact]
    public void A_small_deleted_file_needs_nothing_and_a_too_large_one_blocks()
    {
        using PythonProcess python = PythonProcess.Start("import os\nf = open('gone', 'w')\nf.write('x' * 70000)\nf.flush()\nos.unlink('gone')", _directory.Path);

        Assert.Equal(TreeOptions.DefaultGhostLimit, python.Inspect().Options.GhostLimit);
        Assert.Contains(python.Inspect(new InspectOptions { GhostMaximum = 60_000 }).Verdict.Findings, f => f is { Code: "ghost-file-too-large", Severity: FindingSeverity.Blocker });
    }

    [Fact]
    public void A_deleted_file_with_another_name_can_be_overridden()
    {
        Inspection inspection = Inspect("import os\nf = open('first', 'w')\nos.link('first', 'second')\nos.unlink('first')");

        Assert.True(inspection.Options.LinkRemap);
        Assert.Contains(inspection.Verdict.Findings, f => f is { Code: "unlinked-file-has-links", Severity: FindingSeverity.Overridable });
    }

    [Fact]
    public void Memory_without_a_name_is_no_deleted_file()
    {
        Inspection inspection = Inspect("import os, mmap\nm = os.memfd_create('m')\nos.ftruncate(m, 9 << 20)\na = mmap.mmap(m, 9 << 20)\na[:] = b'x' * (9 << 20)\nb = mmap.mmap(-1, 4096)");

        Assert.Equal(TreeOptions.DefaultGhostLimit, inspection.Options.GhostLimit);
        Assert.True(inspection.EstimatedBytes > 9 << 20);
        Assert.DoesNotContain(inspection.Verdict.Findings, f => f.Code is "ghost-files" or "unlinked-file-has-links");
    }

    [Fact]
    public void Locks_are_taken_along()
    {
        Inspection inspection = Inspect("import fcntl\nf = open('lock', 'w')\nfcntl.flock(f, fcntl.LOCK_EX)");

        Assert.True(inspection.Options.FileLocks);
        Assert.Contains(inspection.Verdict.Findings, f => f is { Code: "file-locks", Severity: FindingSeverity.Note });
    }

    private Inspection Inspect(string script)
    {
        using PythonProcess python = PythonProcess.Start(script, _directory.Path);
        return python.Inspect();
    }
}
