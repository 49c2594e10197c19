"""checkpointer-init enter: a command in the namespaces of an owner."""

import os
import signal
import subprocess
import tempfile
import time
import unittest

from support import INIT, PATIENCE, Owner, children_of, descendants_of, eventually, exists, is_alive, main, read, require_root

SH = "/bin/sh"


class Enter(unittest.TestCase):
    def enter(self, pid, *command, **more):
        return subprocess.run([INIT, "enter", "--pid", str(pid), "--", *command], capture_output=True, text=True, timeout=2 * PATIENCE,
                              check=False, **more)

    def begin(self, pid, *command):
        process = subprocess.Popen([INIT, "enter", "--pid", str(pid), "--", *command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_the_command_sees_the_owners_processes_and_mounts(self):
        owner = Owner(self, "--pid-namespace")
        done = self.enter(owner.pid, SH, "-c", "readlink /proc/self/ns/pid /proc/self/ns/mnt; pwd; cat /proc/1/comm; echo $PPID")
        self.assertEqual(0, done.returncode, done.stderr)
        pid, mnt, cwd, comm, parent = done.stdout.splitlines()
        self.assertEqual(os.readlink(f"/proc/{owner.pid}/ns/pid"), pid)
        self.assertEqual(os.readlink(f"/proc/{owner.pid}/ns/mnt"), mnt)
        self.assertEqual(("/", "checkpointer-in", "0"), (cwd, comm, parent))

    def test_codes_and_signals_of_the_command_come_through(self):
        owner = Owner(self, "--pid-namespace")
        self.assertEqual(7, self.enter(owner.pid, SH, "-c", "exit 7").returncode)
        self.assertEqual(128 + 9, self.enter(owner.pid, SH, "-c", "kill -9 $$").returncode)
        self.assertEqual(127, self.enter(owner.pid, "/nowhere/at/all").returncode)
        self.assertEqual(126, self.enter(owner.pid, "/").returncode)

    def test_what_cannot_be_entered_is_one_line_and_code_125(self):
        for arguments in (["--pid", "4194304"], ["--pid", "0"], ["--pid", "x"], ["--pid"], [], ["--nonsense"]):
            with self.subTest(arguments=arguments):
                done = subprocess.run([INIT, "enter", *arguments, "--", SH, "-c", "exit 0"], capture_output=True, text=True, check=False)
                self.assertEqual((125, ""), (done.returncode, done.stdout))
                self.assertRegex(done.stderr, r"\Acheckpointer-init: [^\n]+\n\Z")
        self.assertEqual(125, subprocess.run([INIT, "enter", "--pid", "1", "--", "sh"], capture_output=True, check=False).returncode)

    def test_descriptors_are_inherited(self):
        owner = Owner(self, "--pid-namespace")
        with tempfile.TemporaryDirectory(prefix="shim-enter-") as folder:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                done = self.enter(owner.pid, SH, "-c", f"echo in > /proc/self/fd/{descriptor}/file; ls /proc/self/fd",
                                  pass_fds=[descriptor])
            finally:
                os.close(descriptor)
            self.assertEqual("in\n", read(os.path.join(folder, "file")))
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertIn(str(descriptor), done.stdout.split())
            self.assertEqual(5, len(done.stdout.split()), "standard ones, ours, and the listing itself")

    def test_signals_are_passed_on(self):
        owner = Owner(self, "--pid-namespace")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            process = self.begin(owner.pid, SH, "-c", f"trap 'echo got; exit 3' {int(number)}; echo ready; while :; do sleep 0.05; done")
            self.assertEqual("ready\n", process.stdout.readline())
            process.send_signal(number)
            self.assertEqual(3, process.wait(PATIENCE))
            self.assertEqual("got\n", process.stdout.read())

    def test_the_command_dies_with_enter(self):
        owner = Owner(self, "--pid-namespace")
        process = self.begin(owner.pid, SH, "-c", "echo ready; exec sleep 600")
        self.assertEqual("ready\n", process.stdout.readline())
        child = children_of(process.pid)[0]
        process.kill()
        eventually("the command is gone", lambda: not is_alive(child))

    def test_the_owner_waits_for_who_has_entered(self):
        owner = Owner(self, "--pid-namespace", fake=["--root", "await;exit:0"])
        client, _ = owner.start(self)
        process = self.begin(owner.pid, SH, "-c", "echo ready; sleep 1; echo through")
        self.assertEqual("ready\n", process.stdout.readline())
        client.send("signal 10")
        self.assertEqual(["ok", "exited 0"], [client.line(), client.line()])
        self.assertEqual("through\n", process.stdout.readline())
        self.assertEqual(0, process.wait(PATIENCE))
        owner.wait_gone()

    def test_abandon_kills_who_has_entered(self):
        owner = Owner(self, "--pid-namespace", fake=["--root", "sleep:600"])
        owner.start(self)
        process = self.begin(owner.pid, SH, "-c", "echo ready; exec sleep 600")
        self.assertEqual("ready\n", process.stdout.readline())
        owner.connect().send("abandon")
        self.assertEqual(128 + 9, process.wait(PATIENCE))
        owner.wait_gone()

    def test_a_process_without_own_namespaces_can_be_entered_too(self):
        done = self.enter(os.getpid(), SH, "-c", "readlink /proc/self/ns/pid; pwd")
        self.assertEqual([os.readlink("/proc/self/ns/pid"), "/"], done.stdout.splitlines())

    def test_it_is_quick(self):
        owner = Owner(self, "--pid-namespace")
        quickest = PATIENCE
        for _ in range(10):
            begun = time.monotonic()
            self.assertEqual(0, self.enter(owner.pid, "/bin/true").returncode)
            quickest = min(quickest, time.monotonic() - begun)
        self.assertLess(quickest, 0.5)
        self.assertEqual([], [pid for pid in descendants_of(owner.pid) if exists(pid)])


if __name__ == "__main__":
    require_root()
    main()
