"""What the tests share: nodes of simulated GPUs, workloads on them, and the worker that calls the driver."""
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "native-shim", "tests"))
import gpu_worker  # noqa: E402

BUILD = os.environ["SIMULATOR"]
PROFILES = os.environ["PROFILES"]
WORKER = os.environ["WORKER"]
PATIENCE = 60.0
LOCK_MS = "30000"  # how long a lock that comes through may wait for what the sample is doing
RUNNING, LOCKED, CHECKPOINTED, FAILED = range(4)


def rss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("Rss:"))


def eventually(what, condition, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.01)
    return value


class Node:
    """One simulated node: its devices, its libraries, its faults."""

    def __init__(self, profile="h100", name="A", **keys):
        self.folder = tempfile.mkdtemp(prefix="gpu-node-", dir="/tmp")
        settings = [part for key, value in keys.items() for part in ("--set", f"{key.replace('_', '-')}={value}")]
        self.process = subprocess.Popen(
            [f"{BUILD}/gpu-simulator", "node", "--dir", self.folder, "--profile", f"{PROFILES}/{profile}.conf", "--name", name, *settings],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("the node did not start")

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        for name in os.listdir(self.folder):
            os.unlink(f"{self.folder}/{name}")
        os.rmdir(self.folder)

    @property
    def cuda(self):
        return f"{self.folder}/libcuda.so.1"

    @property
    def nvml(self):
        return f"{self.folder}/libnvidia-ml.so.1"

    def control(self, command):
        return subprocess.run([f"{BUILD}/gpu-simulator", "control", self.folder, command], capture_output=True, text=True,
                              check=True, timeout=PATIENCE).stdout.rstrip("\n")

    def devices(self):
        with Worker(self) as worker:
            lines = worker.ask("devices")[:-1]
        return [dict(word.split("=", 1) for word in line.split()[1:]) for line in lines]


class Worker(gpu_worker.Worker):
    def __init__(self, node, **environment):
        super().__init__(WORKER, node.cuda, **environment)

    def code(self, verb, pid, argument="", deadline=60000):
        """0, CUDA's code, or the kind of the error."""
        answer = self.on(pid, verb, argument, deadline)
        words = dict(word.split("=", 1) for word in answer.split() if "=" in word)
        return int(words["code"]) if "code" in words else answer.split()[1]

    def state(self, pid, deadline=60000):
        answer = self.on(pid, "state", deadline=deadline)
        return int(answer.rpartition("state=")[2]) if answer.startswith("ok ") else answer.split()[1]


class Sample:
    """The CUDA program; it ends by itself with code 3 when device memory is not what it should be."""

    def __init__(self, node, *arguments, mib=4, **environment):
        self.log = tempfile.NamedTemporaryFile("r", prefix="gpu-sample-", dir="/tmp")
        with open(self.log.name, "w", encoding="ascii") as out:
            self.process = subprocess.Popen(
                [f"{BUILD}/gpu-sample", "--library", node.cuda, "--mib", str(mib), "--pause-ms", "2", *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, env={**os.environ, **environment}, start_new_session=True)
        self.pid = self.process.pid
        eventually("first step", lambda: self.steps() > 0 or self.process.poll() is not None)

    def steps(self):
        with open(self.log.name, encoding="ascii") as file:
            return sum(1 for line in file if line[:1].isdigit())

    def goes_on(self):
        before = self.steps()
        eventually("another step", lambda: self.steps() > before + 1 or self.process.poll() is not None)
        return self.process.poll() is None

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def send(self, number):
        self.process.send_signal(number)

    def freeze(self):
        self.send(signal.SIGSTOP)

    def thaw(self):
        self.send(signal.SIGCONT)
