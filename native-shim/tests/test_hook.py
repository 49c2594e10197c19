"""checkpointer-hook: every answer but "go" is a no."""

import os
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from support import HOOK, INIT, PATIENCE, main

TOKEN = "0123456789abcdef0123456789ABCDEF"
LATE = 20  # seconds: far beyond a deadline of less than one, far before PATIENCE, when whoever waits gives up otherwise


class Hook(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="shim-hook-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "hook.sock")
        self.heard = []

    def serve(self, reply, path=None):
        """Answers one connection: reply is bytes, or a function of the connection."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path or self.path)
        listener.listen(1)
        listener.settimeout(PATIENCE)

        def run():
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(PATIENCE)
                    if callable(reply):
                        reply(connection)
                        return
                    data = b""
                    while not data.endswith(b"\n"):
                        data += connection.recv(4096)
                    self.heard.append(data.decode())
                    connection.sendall(reply)
            except OSError:
                pass

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(listener.close)
        self.addCleanup(thread.join)
        return listener

    def run_hook(self, **changes):
        environment = {
            "CRTOOLS_SCRIPT_ACTION": "post-dump", "CRTOOLS_INIT_PID": "4711", "CHECKPOINTER_HOOK_SOCKET": self.path,
            "CHECKPOINTER_HOOK_TOKEN": TOKEN, "CHECKPOINTER_HOOK_OPERATION": "20260101-abc", "CHECKPOINTER_HOOK_DEADLINE": "60",
        }
        for name, value in changes.items():
            if value is None:
                del environment[name]
            else:
                environment[name] = value
        return subprocess.run([HOOK], env=environment, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)

    def assert_no(self, told, **changes):
        done = self.run_hook(**changes)
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertRegex(done.stderr, r"\Acheckpointer-hook: [^\n]+\n\Z")
        self.assertIn(told, done.stderr)

    def test_go_is_yes(self):
        for action in ("post-dump", "post-restore"):
            self.serve(b"go\n")
            done = self.run_hook(CRTOOLS_SCRIPT_ACTION=action)
            self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
            self.assertEqual(f"hook 1 {TOKEN} 20260101-abc {action} 4711\n", self.heard.pop())
            os.remove(self.path)

    def test_a_missing_init_pid_is_a_dash(self):
        self.serve(b"go\n")
        self.assertEqual(0, self.run_hook(CRTOOLS_INIT_PID=None).returncode)
        self.assertEqual(f"hook 1 {TOKEN} 20260101-abc post-dump -\n", self.heard.pop())

    def test_every_other_action_passes_without_asking(self):
        for action in ("pre-stream", "pre-dump", "network-lock", "network-unlock", "pre-restore", "setup-namespaces",
                       "post-setup-namespaces", "pre-resume", "post-resume", "orphan-pts-master", "status-ready", "post-dump2", ""):
            done = self.run_hook(CRTOOLS_SCRIPT_ACTION=action, CHECKPOINTER_HOOK_SOCKET=None)
            self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr), action)
        self.assertEqual(0, self.run_hook(CRTOOLS_SCRIPT_ACTION=None).returncode)

    def test_every_other_answer_is_no(self):
        for reply, told in ((b"no\n", "said no: no"), (b"\n", "said no"), (b"go", "without an answer"), (b"", "without an answer"),
                            (b"go \n", "said no"), (b"GO\n", "said no"), (b"no \x1b[31mred\x07\n", "said no: no ?[31mred?"),
                            (b"x" * 1000, "longer than"), (b"go\0\n", "not text")):
            with self.subTest(reply=reply):
                self.serve(reply)
                self.assert_no(told)
                os.remove(self.path)

    def test_an_answer_in_pieces_is_taken(self):
        def slowly(connection):
            for byte in b"go\n":
                connection.sendall(bytes([byte]))
                time.sleep(0.05)
        self.serve(slowly)
        self.assertEqual(0, self.run_hook().returncode)

    def test_silence_ends_at_the_deadline(self):
        def listen_only(connection):
            while connection.recv(4096):  # until the hook has gone
                pass
        self.serve(listen_only)
        begun = time.monotonic()
        self.assert_no("in time", CHECKPOINTER_HOOK_DEADLINE="0.3")
        self.assertLess(time.monotonic() - begun, LATE)

    def test_a_trickle_does_not_stretch_the_deadline(self):
        def trickle(connection):
            for _ in range(120):  # fewer than the longest answer has bytes; until the hook has gone
                connection.sendall(b".")
                time.sleep(0.5)
        self.serve(trickle)
        begun = time.monotonic()
        self.assert_no("in time", CHECKPOINTER_HOOK_DEADLINE="0.5")
        self.assertLess(time.monotonic() - begun, LATE)

    def test_a_full_backlog_ends_at_the_deadline(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            listener.listen(0)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(self.path)
                self.assert_no("did not take the connection", CHECKPOINTER_HOOK_DEADLINE="0.3")

    def test_nobody_there_is_no(self):
        self.assert_no("cannot connect")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            self.assert_no("cannot connect")

    def test_a_missing_or_wrong_variable_is_no_and_named(self):
        for name in ("SOCKET", "TOKEN", "OPERATION", "DEADLINE"):
            variable = f"CHECKPOINTER_HOOK_{name}"
            self.assert_no(variable, **{variable: None})
            self.assert_no(variable, **{variable: ""})
        self.assert_no("TOKEN", CHECKPOINTER_HOOK_TOKEN=TOKEN[1:])
        self.assert_no("TOKEN", CHECKPOINTER_HOOK_TOKEN="g" * 32)
        self.assert_no("OPERATION", CHECKPOINTER_HOOK_OPERATION="a b")
        self.assert_no("OPERATION", CHECKPOINTER_HOOK_OPERATION="x" * 65)
        for deadline in ("0", "-1", "1s", "1.", ".5", "1.2345", "86401", "99999999999999999999"):
            self.assert_no("DEADLINE", CHECKPOINTER_HOOK_DEADLINE=deadline)
        self.assert_no("INIT_PID", CRTOOLS_INIT_PID="1 2")
        self.assert_no("INIT_PID", CRTOOLS_INIT_PID="0")

    def test_a_path_longer_than_a_socket_address_works(self):
        deep = os.path.join(self.folder, *["d" * 60] * 3)
        os.makedirs(deep)
        descriptor = os.open(deep, os.O_PATH)
        self.addCleanup(os.close, descriptor)
        self.serve(b"go\n", path=f"/proc/self/fd/{descriptor}/hook.sock")
        done = self.run_hook(CHECKPOINTER_HOOK_SOCKET=os.path.join(deep, "hook.sock"))
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_a_path_that_no_address_can_hold_is_no(self):
        self.assert_no("longer than", CHECKPOINTER_HOOK_SOCKET=os.path.join(self.folder, "n" * 120))
        self.assert_no("too long", CHECKPOINTER_HOOK_SOCKET="/" + "n" * 5000)
        self.assert_no("longer than", CHECKPOINTER_HOOK_SOCKET="n" * 120)

    def test_the_executables_are_static(self):
        for path in (HOOK, INIT):
            with open(path, "rb") as file:
                header = file.read(64)
                offset, size, count = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
                file.seek(offset)
                kinds = [struct.unpack("<I", file.read(size)[:4])[0] for _ in range(count)]
            self.assertNotIn(3, kinds, "PT_INTERP: a loader")

    def test_it_answers_in_milliseconds(self):
        quickest = PATIENCE
        for _ in range(20):
            begun = time.monotonic()
            self.run_hook(CRTOOLS_SCRIPT_ACTION="pre-dump")
            quickest = min(quickest, time.monotonic() - begun)
        self.assertLess(quickest, 0.25)  # the interpreter's fork included, on a busy machine


if __name__ == "__main__":
    main()
