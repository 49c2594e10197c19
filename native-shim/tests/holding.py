"""What the tests of hold share: a hold in a pid namespace of its own, and the way in."""

import contextlib
import ctypes
import itertools
import os
import signal
import socket
import subprocess

from support import INIT, PATIENCE, children_of, eventually, read

SYS_PIDFD_GETFD = 438
DOOR = 64
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """A test that is killed leaves nothing: unshare goes, and takes what it has started along."""
    LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Door:
    """A duplicate of hold's outer socket, and requests through it."""

    def __init__(self, case, pid):
        process = os.pidfd_open(pid)
        fd = LIBC.syscall(SYS_PIDFD_GETFD, process, DOOR, 0)
        os.close(process)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        self.socket = socket.socket(fileno=fd)
        self.socket.settimeout(PATIENCE)
        case.addCleanup(self.socket.close)
        self.numbers = itertools.count(1)

    def ask(self, command):
        """The answer, without its number."""
        number = str(next(self.numbers))
        self.socket.send(f"{number} {command}".encode())
        while True:
            word, _, answer = self.socket.recv(4096).decode().partition(" ")
            if word == number:
                return answer

    def ask_apart(self, command):
        """The same, answered through a descriptor of our own."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                socket.send_fds(self.socket, [f"7 {command}".encode()], [theirs.fileno()])
            ours.settimeout(PATIENCE)
            answer = ours.recv(4096).decode()
        return answer.removeprefix("7 ")


class Hold:
    """`checkpointer-init hold` as PID 1 of a fresh pid namespace, under unshare(1)."""

    def __init__(self, case, *arguments, waits=True, **more):
        self.process = subprocess.Popen(
            ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", INIT, "hold", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent, **more)
        case.addCleanup(self.stop)
        self.case = case
        if waits:
            self.pid = eventually("hold is there", lambda: children_of(self.process.pid))[0]
            eventually("hold waits", lambda: self.phase() == "ckpt-waiting")

    def phase(self):
        return read(f"/proc/{self.pid}/comm").strip()

    def door(self):
        return Door(self.case, self.pid)

    def signal(self, number):
        os.kill(self.pid, number)

    def inside(self, script):
        """Runs a shell in its namespaces; what the shell leaves behind is hold's child. What it has said."""
        return subprocess.run([INIT, "enter", "--pid", str(self.pid), "--", "/bin/sh", "-c", script], capture_output=True,
                              text=True, timeout=2 * PATIENCE, check=True).stdout.strip()

    def leave(self, script):
        """Starts a script, without the ignored signals of a background job, that becomes hold's child; its pid in the namespace."""
        return int(self.inside(f"{INIT} detach -- /bin/sh -c '{script}' >/dev/null 2>&1 </dev/null & echo $!"))

    def restored(self, script="sleep 600"):
        """As a restore would: the door, and the pid of the main child."""
        door = self.door()
        self.case.assertEqual("ok", door.ask("restoring op-1 60"))
        pid = self.leave(script)
        self.case.assertEqual("ok", door.ask(f"main {pid}"))
        return door, pid

    def end(self):
        """Its exit code, standard output and standard error."""
        output, errors = self.process.communicate(timeout=2 * PATIENCE)
        return self.process.returncode, output, errors

    def stop(self):
        if self.process.poll() is None:
            for child in children_of(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
