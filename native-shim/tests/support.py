"""What the tests share: a state directory, an owner in it, its control socket, and the real CRIU."""

import contextlib
import functools
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HOOK = os.environ["SHIM_HOOK"]
INIT = os.environ["SHIM_INIT"]
WORKLOAD = os.environ["SHIM_WORKLOAD"]
HERE = os.path.dirname(os.path.abspath(__file__))
FAKE_CRIU = [sys.executable, "-B", os.path.join(HERE, "fake_criu.py")]
PATIENCE = 60.0  # seconds that anything may take on a busy machine: a whole restore by CRIU, too
PREFIX = f"shim-{os.urandom(4).hex()}-"  # of the directories of this run: others may run beside it
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def eventually(what, condition, patience=PATIENCE):
    """Waits until condition() is true, and returns its value."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.02)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):  # the latter where a process goes between open and read
        return ""


def is_alive(pid):
    """Whether the process exists and is not a zombie."""
    state = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return bool(state) and state[0] not in "ZX"


def exists(pid):
    return os.path.exists(f"/proc/{pid}")


def children_of(pid):
    """Pids (as we see them) of the direct children, zombies too."""
    return [int(child) for child in read(f"/proc/{pid}/task/{pid}/children").split()]


def descendants_of(pid):
    """Children, their children and so on; parents before children."""
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def inner_pid(pid):
    """The pid of a process in its own pid namespace."""
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    return None


class Gate:
    """What a stand-in for CRIU waits at (`until:PATH`) until the test opens it."""

    def __init__(self, case):
        folder = tempfile.TemporaryDirectory(prefix="shim-gate-")
        case.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "open")

    def open(self):
        with open(self.path, "x", encoding="ascii"):
            pass


class Client:
    """A connection to init.sock that speaks in lines."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.pending = b""

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def line(self):
        """The next line, or None at the end."""
        while b"\n" not in self.pending:
            try:
                data = self.socket.recv(4096)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode()

    def ask(self, line):
        self.send(line)
        return self.line()

    def close(self):
        self.socket.close()


class Owner:
    """A checkpointer-init in a fresh state directory."""

    def __init__(self, case, *options, command=None, fake=(), expect_ready=True, environment=None, pass_fds=(), state=None,
                 preexec=None, stdout=subprocess.PIPE, clear_environment=False):
        self.case = case
        self.state = state or tempfile.mkdtemp(prefix=PREFIX)
        self.pid = None
        case.addCleanup(self.cleanup)
        command = command or [*FAKE_CRIU, "restore", "--pidfile", self.file("restored.pid"), *fake]
        self.launched = subprocess.run(
            [INIT, "restore", "--operation", "test-1", "--state", self.state, *options, "--", *command],
            stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=2 * PATIENCE, pass_fds=pass_fds,
            env={} if clear_environment else {**os.environ, **(environment or {})}, check=False, preexec_fn=preexec)
        if expect_ready:
            case.assertEqual("", self.launched.stderr)
            case.assertEqual(0, self.launched.returncode)
            word, _, pid = self.launched.stdout.strip().partition(" ")
            case.assertEqual("ready", word)
            self.pid = int(pid)
            self.pidfd = os.pidfd_open(self.pid)

    def file(self, name):
        return os.path.join(self.state, name)

    def connect(self):
        client = Client(self.file("init.sock"))
        self.case.addCleanup(client.close)
        return client

    def start(self, case):
        """Starts CRIU; returns the starter's connection and the root's pid as the owner sees it."""
        client = self.connect()
        client.send("start")
        line = client.line()
        if line != "criu 0":
            raise AssertionError(f"{line}: {read(self.file('criu.err'))} {read(self.file('restore.log'))[-6000:]}")
        word, _, pid = client.line().partition(" ")
        case.assertEqual("root", word)
        return client, int(pid)

    def output(self):
        return read(self.file("output.log"))

    def signal(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def wait_gone(self):
        eventually("the owner is gone", lambda: not is_alive(self.pid))

    def cleanup(self):
        if self.pid is not None and is_alive(self.pid):
            try:
                with contextlib.closing(Client(self.file("init.sock"))) as client:
                    client.send("abandon")
                    while client.line() is not None:
                        pass
                self.wait_gone()
            except (OSError, AssertionError):
                pass
            if is_alive(self.pid):  # it did not obey; its tree would be orphaned
                for pid in [self.pid, *descendants_of(self.pid)]:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
        if self.pid is not None:
            os.close(self.pidfd)
            self.pid = None
        shutil.rmtree(self.state, ignore_errors=True)


def in_each_mode(test):
    """Runs a test twice: with an owner that is a subreaper, and with one that is PID 1 of a namespace."""
    @functools.wraps(test)
    def run(case):
        for mode in ([], ["--pid-namespace"]):
            with case.subTest(mode=mode):
                test(case, mode)
    return run


def require_root():
    if os.geteuid() != 0:
        skip_all("needs root")


def skip_all(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def in_own_pid_namespace():
    """Starts this program again where all pids are its own; returns only there. Nobody else takes a pid that a restore needs then."""
    inside = "SHIM_OWN_PID_NAMESPACE"
    if os.environ.pop(inside, None) is None:
        os.execvpe("unshare", ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", sys.executable, "-B", *sys.argv],
                   {**os.environ, inside: "1"})
    child = os.fork()
    if child == 0:
        os.setsid()
        return
    pid, status = os.wait()
    while pid != child:  # PID 1: everybody's orphans end here
        pid, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def find_criu():
    """The CRIU to try with, or None."""
    root = os.path.dirname(os.path.dirname(HERE))
    candidates = [os.environ.get("CHECKPOINTER_CRIU"), shutil.which("criu"), os.path.join(root, "artifacts/criu/sbin/criu")]
    candidates += sorted(glob.glob("/var/cache/checkpointer/criu/*/sbin/criu"), reverse=True)
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return os.path.realpath(candidate)
    return None


def main():
    program = unittest.main(verbosity=2, exit=False)
    left = [line for line in read("/proc/self/mounts").splitlines() if PREFIX in line]
    if left:
        print("mounts were left behind:", *left, sep="\n", file=sys.stderr)
    sys.exit(1 if left or not program.result.wasSuccessful() else 0)
