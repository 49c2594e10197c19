"""The process that is checkpointed: tests/workloads/fill.c, started under no supervision of ours."""
import glob
import os
import signal
import subprocess
import time

START_LIMIT = 300  # seconds: 2 GiB of random numbers on a busy core
CODE_FILES = 400


def code_files():
    """Real program code: the .NET assemblies, else the system's shared libraries."""
    dotnet = os.path.dirname(os.path.realpath(subprocess.run(["sh", "-c", "command -v dotnet"], capture_output=True, text=True).stdout.strip() or "/"))
    found = glob.glob(os.path.join(dotnet, "shared", "*", "*", "*.dll")) + glob.glob("/usr/lib/*/lib*.so.*")
    return sorted({os.path.realpath(path) for path in found}, key=lambda path: (-os.path.getsize(path), path))[:CODE_FILES]


class Filler:
    def __init__(self, program, folder, mebibytes, seed):
        self.status = os.path.join(folder, "fill.status")
        if os.path.exists(self.status):
            os.unlink(self.status)
        pid_file = os.path.join(folder, "fill.pid")
        subprocess.run(
            ["setsid", "--fork", "sh", "-c", 'echo $$ >"$0"; exec "$@" </dev/null >/dev/null 2>&1', pid_file,
             program, self.status, str(mebibytes), str(seed)] + code_files(), check=True)
        self.wait_for(lambda values: True, START_LIMIT)
        self.pid = int(open(pid_file).read())

    def read(self):
        try:
            line = open(self.status).read()
        except FileNotFoundError:
            return None
        if "ready=1" not in line:
            return None
        return dict(pair.split("=", 1) for pair in line.split())

    def wait_for(self, condition, limit):
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            values = self.read()
            if values and condition(values):
                return values
            time.sleep(0.01)
        raise SystemExit("error: the workload said nothing new within %d s: %s" % (limit, self.read()))

    def forget_gap(self):
        os.kill(self.pid, signal.SIGHUP)
        count = int(self.read()["count"])
        self.wait_for(lambda values: int(values["count"]) > count + 2, 30)

    def verify(self):
        """Every byte, checked by the process itself."""
        passes = int(self.read()["passes"])
        os.kill(self.pid, signal.SIGUSR1)
        values = self.wait_for(lambda now: int(now["passes"]) > passes, 120)
        if values["errors"] != "0":
            raise SystemExit("error: the workload found %s damaged runs in its memory" % values["errors"])

    def counts_on(self):
        count = int(self.read()["count"])
        return self.wait_for(lambda values: int(values["count"]) > count, 30)

    def end(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if open("/proc/%d/stat" % self.pid).read().rpartition(")")[2].split()[0] in "ZX":
                    return
            except OSError:
                return
            time.sleep(0.01)
