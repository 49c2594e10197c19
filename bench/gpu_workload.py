"""A tree of CUDA processes on a node of simulated GPUs."""
import glob
import os
import signal
import subprocess

from lab import BUILD, eventually


class Tree:
    """A shell with CUDA processes as its children; each writes a line for every step that found its device memory right."""

    def __init__(self, node, folder, processes):
        self.logs = [os.path.join(folder, "sample-%d.log" % number) for number in range(processes)]
        pid_file = os.path.join(folder, "tree.pid")
        for log in self.logs:
            open(log, "w").close()
        one = '"$sample" --library "$library" --mib 4 --pause-ms 50 >>"$log" 2>/dev/null </dev/null &'
        subprocess.run(
            ["setsid", "--fork", "sh", "-c", 'echo $$ >"$2"; sample=$0 library=$1; shift 2; for log do %s done; wait' % one,
             os.path.join(BUILD, "gpu-sample"), node.cuda, pid_file, *self.logs],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually("the tree's first steps", lambda: all(self.steps()))
        with open(pid_file) as file:
            self.root = int(file.read())

    def steps(self):
        counts = []
        for log in self.logs:
            with open(log) as file:
                text = file.read()
            if "WRONG" in text:
                raise SystemExit("error: device memory is not what it was: %s" % text[-200:])
            counts.append(text.count("\n"))
        return counts

    def goes_on(self):
        before = self.steps()
        eventually("another step of every process", lambda: all(now > was for now, was in zip(self.steps(), before)))

    def end(self, operations):
        """The shell first, then its children; then the cgroups of the restores that made it."""
        members = [self.root] + [int(pid) for path in glob.glob("/proc/%d/task/*/children" % self.root) for pid in open(path).read().split()]
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        eventually("the end of the tree", lambda: not any(running(pid) for pid in members))
        for operation in operations:
            for cgroup in glob.glob("/sys/fs/cgroup/*/checkpointer/" + operation) + glob.glob("/sys/fs/cgroup/checkpointer/" + operation):
                eventually("the end of a restored tree's cgroup", lambda: removed(cgroup))
        for log in self.logs:
            os.unlink(log)


def running(pid):
    try:
        with open("/proc/%d/stat" % pid, errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def removed(cgroup):
    try:
        os.rmdir(cgroup)
    except FileNotFoundError:
        pass
    except OSError:
        return False  # somebody is still dying in it
    return True
