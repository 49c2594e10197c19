"""checkpointer-init with the real CRIU: plain images in a directory, restored trees with an owner."""

import fcntl
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import unittest

from support import (HOOK, INIT, PATIENCE, WORKLOAD, Owner, children_of, descendants_of, eventually, exists, find_criu,
                     in_own_pid_namespace, inner_pid, is_alive, main, read, require_root, skip_all)

CRIU = find_criu()
LAST_PID = 30000  # above every pid that the images need, which are of a namespace of our own; below the smallest pid_max


def counts(text):
    return [int(number) for number in re.findall(r"^count (\d+)\n", text, re.MULTILINE)]


def session_members(session):
    members = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if fields and fields[3] == str(session):
            members.append(int(pid))
    return members


class RealCriu(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="shim-criu-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        os.mkdir(os.path.join(self.directory, "libdir"))  # empty: no plugins

    def images(self, name):
        path = os.path.join(self.directory, name)
        os.mkdir(path, 0o700)
        return path

    def common(self, verb, images, work):
        return [CRIU, verb, "--no-default-config", "--libdir", os.path.join(self.directory, "libdir"), "-D", images,
                "--work-dir", work, "-o", f"{verb}.log", "-v4", "--manage-cgroups=ignore", "--network-lock", "nftables"]

    def run_dump(self, command, log, **more):
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=False, **more)
        self.assertEqual(0, done.returncode, done.stderr + read(log)[-6000:])

    def start_workload(self, *arguments, stdout=None, **more):
        process = subprocess.Popen([WORKLOAD, *arguments], stdin=subprocess.DEVNULL, stdout=stdout or subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, start_new_session=True, **more)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def dump_piped(self, images, *arguments):
        """Runs a workload for a moment and dumps it away. Its pid, the key of its stdout, the last number it said."""
        process = self.start_workload(*arguments)
        self.addCleanup(process.stdout.close)
        self.assertEqual(b"count 0\n", process.stdout.readline())
        self.assertEqual(b"count 1\n", process.stdout.readline())
        key = os.readlink(f"/proc/{process.pid}/fd/1")
        self.run_dump([*self.common("dump", images, images), "-t", str(process.pid)], os.path.join(images, "dump.log"))
        self.assertEqual(-signal.SIGKILL, process.wait(PATIENCE))
        # Its children are zombies of PID 1 for a while, and hold the session's number.
        eventually("the session is gone", lambda: not session_members(process.pid))
        return process.pid, key, max(counts("count 1\n" + process.stdout.read().decode()))

    def restore(self, images, *options, extra=()):
        state = tempfile.mkdtemp(prefix="shim-")
        command = [*self.common("restore", images, state), "-d", "--pidfile", os.path.join(state, "restored.pid"), *extra]
        owner = Owner(self, *options, command=command, state=state)
        client, root = owner.start(self)
        return owner, client, root

    def see_it_count_on(self, owner, last):
        eventually(f"the count goes on after {last}", lambda: len(counts(owner.output())) >= 3)
        numbers = counts(owner.output())
        self.assertEqual(list(range(last + 1, last + 1 + len(numbers))), numbers)
        return numbers[-1]

    def see_it_end(self, owner, client):
        client.send("signal 15")
        self.assertEqual("ok", client.line())
        self.assertEqual("exited 42", client.line())
        self.assertIsNone(client.line())
        self.assertEqual("exited 42\n", read(owner.file("exit")))
        owner.wait_gone()

    def test_a_restored_tree_counts_on_takes_signals_and_gives_its_exit_code(self):
        images = self.images("one")
        pid, key, last = self.dump_piped(images, "2")
        owner, client, root = self.restore(images, "--map", f"{key}=log")
        self.assertEqual(pid, root)
        self.assertIn(root, children_of(owner.pid))
        self.see_it_count_on(owner, last)
        owner.signal(signal.SIGUSR1)
        eventually("the signal arrived", lambda: f"signal {int(signal.SIGUSR1)}" in owner.output())
        children = children_of(root)
        self.assertEqual(2, len(children))
        client.send("signal 15")
        self.assertEqual("ok", client.line())
        self.assertEqual("exited 42", client.line())
        self.assertEqual("status exited 42", client.ask("status"))  # its children live on, and so does the owner
        self.assertTrue(all(is_alive(child) for child in children))
        self.assertEqual(sorted(children), sorted(children_of(owner.pid)))
        owner.signal(signal.SIGTERM)
        self.assertIsNone(client.line())
        owner.wait_gone()
        self.assertFalse(any(exists(child) for child in children))

    def test_in_a_pid_namespace_too(self):
        images = self.images("one")
        pid, key, last = self.dump_piped(images)
        owner, client, root = self.restore(images, "--pid-namespace", "--last-pid", str(LAST_PID), "--map", f"{key}=log")
        self.assertEqual(pid, root)
        self.assertEqual([pid], [inner_pid(child) for child in children_of(owner.pid)])
        self.assertEqual(1, inner_pid(owner.pid))
        self.see_it_count_on(owner, last)
        owner.signal(signal.SIGHUP)
        eventually("the signal arrived", lambda: f"signal {int(signal.SIGHUP)}" in owner.output())
        self.see_it_end(owner, client)

    def test_a_terminal_is_replaced_by_a_pty_of_the_owner(self):
        for controlling in (False, True):
            with self.subTest(controlling=controlling):
                images = self.images(f"tty-{controlling}")
                master, slave = pty.openpty()
                self.addCleanup(os.close, master)

                def take_terminal():
                    fcntl.ioctl(1, termios.TIOCSCTTY, 0)

                process = self.start_workload(stdout=slave, preexec_fn=take_terminal if controlling else None)
                os.close(slave)
                seen = b""
                while b"count 1" not in seen:
                    seen += os.read(master, 4096)
                status = os.stat(f"/proc/{process.pid}/fd/1")
                key = f"tty[{status.st_rdev:x}:{status.st_dev:x}]"
                self.run_dump([*self.common("dump", images, images), "-t", str(process.pid), "--external", key],
                              os.path.join(images, "dump.log"))
                process.wait(PATIENCE)
                owner, client, root = self.restore(images, "--pid-namespace", "--last-pid", str(LAST_PID), "--map", f"{key}=pty")
                eventually("the count goes on", lambda: len(counts(owner.output())) >= 3)
                self.assertNotIn("\r", owner.output())
                outer = children_of(owner.pid)[0]
                self.assertTrue(os.readlink(f"/proc/{outer}/fd/1").startswith("/dev/pts/"))
                self.see_it_end(owner, client)

    def test_three_generations_each_in_a_fresh_pid_namespace(self):
        images = self.images("generation-1")
        pid, key, last = self.dump_piped(images, "2")
        for generation in (2, 3, 4):
            owner, client, root = self.restore(images, "--pid-namespace", "--last-pid", str(LAST_PID), "--map", f"{key}=log")
            self.assertEqual(pid, root)
            outer = children_of(owner.pid)[0]
            self.assertEqual(3, len(children_of(outer)) + 1)
            self.assertEqual(2, len(self.nesting(outer)), "one pid namespace below ours, never deeper")
            last = self.see_it_count_on(owner, last)
            images, key = self.dump_inside(owner, outer, f"generation-{generation}", root)
            self.assertEqual("signalled 9", client.line())
            self.assertIsNone(client.line())
            self.assertEqual("signalled 9\n", read(owner.file("exit")))
            owner.wait_gone()
            last = counts(owner.output())[-1]

    def test_a_tree_that_is_dumped_inside_and_left_running_goes_on(self):
        images = self.images("one")
        _, key, last = self.dump_piped(images)
        owner, client, root = self.restore(images, "--pid-namespace", "--last-pid", str(LAST_PID), "--map", f"{key}=log")
        self.see_it_count_on(owner, last)
        self.dump_inside(owner, children_of(owner.pid)[0], "two", root, "--leave-running")
        seen = len(counts(owner.output()))
        eventually("the count goes on", lambda: len(counts(owner.output())) > seen + 2)
        self.see_it_end(owner, client)

    @staticmethod
    def nesting(pid):
        return next(line for line in read(f"/proc/{pid}/status").splitlines() if line.startswith("NSpid:")).split()[1:]

    def dump_inside(self, owner, outer, name, root, *extra):
        """Dumps a tree that lives in its owner's namespaces; the images directory comes as a descriptor."""
        images = self.images(name)
        key = os.readlink(f"/proc/{outer}/fd/1")
        descriptor = os.open(images, os.O_RDONLY | os.O_DIRECTORY)
        try:
            place = f"/proc/self/fd/{descriptor}"
            self.run_dump([INIT, "enter", "--pid", str(owner.pid), "--", *self.common("dump", place, place), "-t", str(root), *extra],
                          os.path.join(images, "dump.log"), pass_fds=[descriptor])
        finally:
            os.close(descriptor)
        self.assertTrue(os.path.exists(os.path.join(images, "inventory.img")))
        return images, key

    def begin(self, images, *options):
        """An owner whose `start` has been sent, CRIU's outcome not yet read."""
        state = tempfile.mkdtemp(prefix="shim-")
        command = [*self.common("restore", images, state), "-d", "--pidfile", os.path.join(state, "restored.pid")]
        owner = Owner(self, *options, command=command, state=state)
        client = owner.connect()
        client.send("start")
        return owner, client

    def test_a_failed_restore_is_told_and_leaves_nothing(self):
        images = self.images("one")
        pid, key, _ = self.dump_piped(images, "2")
        os.remove(os.path.join(images, f"pagemap-{pid + 1}.img"))
        for options in ([], ["--pid-namespace", "--last-pid", str(LAST_PID)]):
            with self.subTest(options=options):
                owner, client = self.begin(images, *options, "--map", f"{key}=log")
                self.assertEqual("criu 1", client.line())
                self.assertIsNone(client.line())
                owner.wait_gone()
                self.assertFalse(exists(pid))
                self.assertEqual("", read(owner.file("exit")))

    def test_a_criu_that_hangs_is_abandoned_with_all_that_it_has_built(self):
        images = self.images("one")
        pid, key, _ = self.dump_piped(images, "2")
        pages = next(os.path.join(images, name) for name in os.listdir(images) if name.startswith("pages-"))
        os.truncate(pages, 4096)  # CRIU's restorer reads for ever at this end of file
        for options in ([], ["--pid-namespace", "--last-pid", str(LAST_PID)]):
            with self.subTest(options=options):
                owner, client = self.begin(images, *options, "--map", f"{key}=log")
                tree = eventually("CRIU has built something", lambda: descendants_of(owner.pid)[1:])
                self.assertEqual("status restoring", owner.connect().ask("status"))
                owner.connect().send("abandon")
                self.assertEqual("criu 137", client.line())
                self.assertIsNone(client.line())
                owner.wait_gone()
                self.assertEqual([], [child for child in tree if exists(child)])

    def gate(self, answer):
        """A hook socket that gives one answer. The environment for CRIU, and what was asked."""
        path = os.path.join(self.directory, f"hook-{answer.strip()}.sock")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(2 * PATIENCE)
        asked = []

        def run():
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(256).decode())
                connection.sendall(answer.encode())

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        token = "0123456789abcdef" * 2
        return {"CHECKPOINTER_HOOK_SOCKET": path, "CHECKPOINTER_HOOK_TOKEN": token, "CHECKPOINTER_HOOK_OPERATION": "op",
                "CHECKPOINTER_HOOK_DEADLINE": "60"}, asked

    def test_a_no_in_post_dump_lets_the_workload_run_on(self):
        images = self.images("one")
        process = self.start_workload()
        self.addCleanup(process.stdout.close)
        self.assertEqual(b"count 0\n", process.stdout.readline())
        command = [*self.common("dump", images, images), "-t", str(process.pid), "--action-script", HOOK]
        environment, asked = self.gate("no\n")
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, timeout=2 * PATIENCE, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertEqual([f"hook 1 {environment['CHECKPOINTER_HOOK_TOKEN']} op post-dump {process.pid}\n"], asked)
        self.assertEqual(b"count 1\n", process.stdout.readline())
        environment, asked = self.gate("go\n")
        shutil.rmtree(images)
        os.mkdir(images)
        self.run_dump(command, os.path.join(images, "dump.log"), env={**os.environ, **environment})
        self.assertEqual(1, len(asked))

    def test_a_no_in_post_restore_kills_what_was_built(self):
        images = self.images("one")
        pid, key, _ = self.dump_piped(images, "1")
        for options in ([], ["--pid-namespace", "--last-pid", str(LAST_PID)]):
            for answer, told in (("no\n", "criu 1"), ("go\n", "criu 0")):
                with self.subTest(options=options, answer=answer):
                    environment, asked = self.gate(answer)
                    state = tempfile.mkdtemp(prefix="shim-")
                    command = [*self.common("restore", images, state), "-d", "--pidfile", os.path.join(state, "restored.pid"),
                               "--action-script", HOOK]
                    owner = Owner(self, *options, "--map", f"{key}=log", command=command, state=state, environment=environment)
                    client = owner.connect()
                    self.assertEqual(told, client.ask("start"))
                    self.assertEqual([f"hook 1 {environment['CHECKPOINTER_HOOK_TOKEN']} op post-restore {pid}\n"], asked)
                    if answer == "no\n":
                        self.assertIsNone(client.line())
                        self.assertEqual("", owner.output())
                    else:
                        self.assertEqual(f"root {pid}", client.line())
                        eventually("it counts on", lambda owner=owner: counts(owner.output()))
                        client.send("abandon")
                        self.assertEqual("signalled 9", client.line())
                        self.assertIsNone(client.line())
                    owner.wait_gone()
                    os.remove(environment["CHECKPOINTER_HOOK_SOCKET"])


if __name__ == "__main__":
    require_root()
    if CRIU is None:
        skip_all("no CRIU")
    in_own_pid_namespace()
    main()
