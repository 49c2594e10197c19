"""checkpointer-init restore --into: a stand-in for CRIU in a placeholder."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from holding import Hold
from support import INIT, Owner, children_of, descendants_of, eventually, inner_pid, is_alive, main, read, require_root


class Into(unittest.TestCase):
    def setUp(self):
        self.hold = Hold(self)
        self.door = self.hold.door()

    def owner(self, *options, **more):
        return Owner(self, "--into", str(self.hold.pid), *options, **more)

    def waits_again(self):
        self.assertEqual("ckpt-waiting", self.hold.phase())
        self.assertEqual([], descendants_of(self.hold.pid))
        self.assertTrue(self.door.ask_apart("status").startswith("ok waiting "))

    def test_the_root_becomes_holds_main_child(self):
        owner = self.owner(fake=["--root", "await;exit:7"])
        client = owner.connect()
        self.assertEqual("status waiting", client.ask("status"))
        self.assertEqual("ckpt-waiting", self.hold.phase())
        client.send("start")
        self.assertEqual("criu 0", client.line(), read(owner.file("criu.err")))
        root = int(client.line().removeprefix("root "))
        self.assertEqual([root], [inner_pid(child) for child in children_of(self.hold.pid)])
        self.assertEqual(f"ok running {root}", self.door.ask_apart("status"))
        self.assertEqual(f"status running {root}", client.ask("status"))
        self.assertTrue(is_alive(owner.pid))
        client.close()
        owner.wait_gone()
        self.assertEqual("", read(owner.file("exit")) + read(owner.file("init.log")))
        self.hold.signal(signal.SIGUSR1)
        self.assertEqual(7, self.hold.end()[0])

    def test_signals_go_through_hold(self):
        owner = self.owner(fake=["--root", "sleep:600"])
        client, _ = owner.start(self)
        self.assertEqual("ok", client.ask("signal 9"))
        self.assertEqual(128 + 9, self.hold.end()[0])

    def test_a_root_that_ends_before_criu_does_is_not_lost(self):
        owner = self.owner(fake=["--criu", "early", "--root", "exit:9"])
        client = owner.connect()
        # CRIU is its parent and does not reap it: it comes down to hold with CRIU's end.
        self.assertEqual("criu 0", client.ask("start"))
        self.assertEqual(9, self.hold.end()[0])

    def test_criu_is_where_the_placeholder_is_but_sees_our_files(self):
        owner = self.owner("--last-pid", "3000", fake=["--criu", "run:echo $$ $(cat /proc/1/comm)", "--root", "sleep:600"])
        client = owner.connect()
        client.send("start")
        self.assertEqual(["criu 0", "root 3002"], [client.line(), client.line()], read(owner.file("criu.err")))
        self.assertEqual("3003 ckpt-restoring\n", read(owner.file("criu.err")))
        root = children_of(self.hold.pid)[0]
        self.assertEqual(os.readlink(f"/proc/{self.hold.pid}/ns/pid"), os.readlink(f"/proc/{root}/ns/pid"))
        for other in (self.hold.pid, os.getpid()):
            self.assertNotEqual(os.readlink(f"/proc/{other}/ns/mnt"), os.readlink(f"/proc/{root}/ns/mnt"))

    def test_the_engine_may_have_announced_the_restore(self):
        owner = self.owner(fake=["--root", "sleep:600"])
        self.assertEqual("ok", self.door.ask_apart("restoring test-1 60"))
        owner.start(self)
        self.assertEqual("ckpt-running", self.hold.phase())

    def test_another_restore_is_not_disturbed(self):
        owner = self.owner(fake=["--root", "sleep:600"])
        self.assertEqual("ok", self.door.ask_apart("restoring other 60"))
        child = self.hold.leave("exec sleep 600")
        self.assertEqual("error the placeholder: restore other is in progress", owner.connect().ask("start"))
        owner.wait_gone()
        self.assertEqual("ok restoring other", self.door.ask_apart("status"))
        self.assertEqual("ok", self.door.ask_apart(f"main {child}"))

    def test_a_criu_that_fails_leaves_nothing(self):
        for steps in ("exit:1", "kill:9", "detach"):
            owner = self.owner(fake=["--criu", f"spawn:600;orphan;{steps}", "--root", "spawn:600;sleep:600"])
            client = owner.connect()
            expected = {"exit:1": "criu 1", "kill:9": "criu 137", "detach": "criu 0"}[steps]
            self.assertEqual(expected, client.ask("start"), read(owner.file("criu.err")))
            if steps == "detach":
                self.assertEqual("error cannot open restored.pid: No such file or directory", client.line())
            self.waits_again()
            self.assertIsNone(client.line())
            owner.wait_gone()

    def begin_hanging(self, **more):
        owner = self.owner(fake=["--criu", "spawn:600;sleep:600", "--root", "spawn:600;sleep:600"], **more)
        client = owner.connect()
        client.send("start")
        self.assertEqual("status restoring", owner.connect().ask("status"))
        criu = eventually("CRIU is there", lambda: children_of(owner.pid))[0]
        tree = eventually("it has built something", lambda: len(descendants_of(criu)) == 3 and [criu, *descendants_of(criu)])
        return owner, client, tree

    def test_abandon_leaves_nothing_and_hold_waits_again(self):
        owner, client, tree = self.begin_hanging()
        owner.connect().send("abandon")
        self.assertEqual("criu 137", client.line())
        self.waits_again()
        self.assertIsNone(client.line())
        self.assertFalse(any(is_alive(pid) for pid in tree))
        owner.wait_gone()
        second = self.owner(fake=["--root", "exit:3"])
        second.connect().send("start")
        self.assertEqual(3, self.hold.end()[0])

    def test_abandon_before_the_start(self):
        owner = self.owner()
        self.assertEqual("ok", self.door.ask_apart("restoring test-1 60"))
        client = owner.connect()
        client.send("abandon")
        self.assertIsNone(client.line())
        owner.wait_gone()
        self.waits_again()

    def test_abandon_after_the_restore_undoes_it(self):
        owner = self.owner(fake=["--root", "spawn:600;sleep:600"])
        client, _ = owner.start(self)
        client.send("abandon")
        self.assertIsNone(client.line())
        owner.wait_gone()
        self.waits_again()

    def test_a_signal_to_the_owner_abandons(self):
        owner, client, tree = self.begin_hanging()
        owner.signal(signal.SIGTERM)
        self.assertEqual("criu 137", client.line())
        owner.wait_gone()
        self.waits_again()
        self.assertFalse(any(is_alive(pid) for pid in tree))

    def test_an_owner_that_was_killed_can_be_cleared_up_after(self):
        owner, _, tree = self.begin_hanging()
        owner.signal(signal.SIGKILL)
        eventually("the owner is gone", lambda: not is_alive(owner.pid))
        self.assertTrue(all(is_alive(pid) for pid in tree))
        self.assertEqual("ok", self.door.ask_apart("abandon test-1"))
        eventually("all are gone", lambda: not any(is_alive(pid) for pid in tree))
        self.waits_again()

    def clear(self, *arguments):
        done = subprocess.run([INIT, "clear", *arguments], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_what_a_dead_owner_left_is_cleared_from_outside(self):
        pid = str(self.hold.pid)
        owner, _, tree = self.begin_hanging()
        owner.signal(signal.SIGKILL)
        eventually("the owner is gone", lambda: not is_alive(owner.pid))
        self.assertEqual((0, "restoring test-1\n", ""), self.clear("--into", pid, "--operation", "other"))
        self.assertTrue(all(is_alive(child) for child in tree))
        code, said, _ = self.clear("--into", pid, "--operation", "test-1")
        self.assertEqual((0, "waiting"), (code, said.split()[0]))
        eventually("all are gone", lambda: not any(is_alive(child) for child in tree))
        self.waits_again()
        self.assertTrue(self.clear("--into", pid, "--operation", "test-1")[1].startswith("waiting "))

    def test_what_runs_is_not_cleared(self):
        client, root = self.owner(fake=["--root", "sleep:600"]).start(self)
        self.assertEqual((0, f"running {root}\n", ""), self.clear("--into", str(self.hold.pid), "--operation", "test-1"))
        self.assertEqual(f"status running {root}", client.ask("status"))

    def test_clear_tells_what_is_wrong(self):
        for arguments in ([], ["--into", "1"], ["--operation", "x"], ["--into", str(os.getpid()), "--operation", "x"], ["--nonsense"]):
            code, said, errors = self.clear(*arguments)
            self.assertEqual((1, ""), (code, said))
            self.assertRegex(errors, r"\Acheckpointer-init: [^\n]+\n\Z")

    def test_the_end_of_the_placeholder_is_the_end_of_all(self):
        owner, client, tree = self.begin_hanging()
        self.hold.signal(signal.SIGKILL)
        self.assertEqual("criu 137", client.line())
        self.assertIsNone(client.line())
        owner.wait_gone()
        eventually("all are gone", lambda: not any(is_alive(pid) for pid in tree))

    def test_the_owner_waits_for_start_only_so_long(self):
        begun = time.monotonic()
        owner = self.owner("--deadline", "3")  # time enough to look at it
        owner.wait_gone()
        self.assertGreaterEqual(time.monotonic() - begun, 3)
        self.assertIn("nobody said start", read(owner.file("init.log")))
        self.waits_again()

    def test_what_is_no_placeholder_is_refused(self):
        state = tempfile.mkdtemp(prefix="shim-")
        self.addCleanup(shutil.rmtree, state)
        other = subprocess.Popen(["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "/bin/sleep", "600"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        pid = str(self.hold.pid)
        sleep = str(eventually("it is there", lambda: [child for child in children_of(other.pid)
                                                       if read(f"/proc/{child}/comm") == "sleep\n"])[0])
        command = ["--", "/bin/true", "restore"]
        for told, arguments in (
                ("is not a placeholder: it has no descriptor 64", ["--into", sleep]),
                ("is not in a pid namespace of its own", ["--into", str(os.getpid())]),
                ("cannot open process 4194304", ["--into", "4194304"]),
                ("not a number", ["--into", "0"]),
                ("exclude each other", ["--into", pid, "--pid-namespace"]),
                ("--stage needs --into", ["--stage", "/tmp"]),
                ("--stage: not an absolute path", ["--into", pid, "--stage", "tmp"]),
                ("--take needs --stage", ["--into", pid, "--take", "/=root"]),
                ("--take: not /PATH=NAME", ["--into", pid, "--take", "x=root"]),
                ("--take: not /PATH=NAME", ["--into", pid, "--take", "/x"]),
                ("--take: not a name", ["--into", pid, "--take", "/x="]),
                ("--take: not a name", ["--into", pid, "--take", "/x=a/b"]),
                ("--take: not a name", ["--into", pid, "--take", "/x=.."]),
                ("takes no log and no pty", ["--into", pid, "--map", "pipe:[1]=log"]),
                ("takes no log and no pty", ["--into", pid, "--map", "tty[1:2]=pty"])):
            with self.subTest(arguments=arguments):
                done = subprocess.run([INIT, "restore", "--operation", "o", "--state", state, *arguments, *command],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual((1, ""), (done.returncode, done.stdout))
                self.assertRegex(done.stderr, r"\Acheckpointer-init: [^\n]+\n\Z")
                self.assertIn(told, done.stderr)
        self.assertEqual([], os.listdir(state))


class Stage(unittest.TestCase):
    """What CRIU finds of the placeholder's mounts, and what it leaves of ours."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="shim-into-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.directory)
        self.stage = self.folder("stage")
        self.outside = self.folder("outside")
        self.file("outside/secret")
        self.hold = Hold(self)
        volume = self.folder("volume")
        self.file("volume/file")
        self.file("one")
        place = self.folder("place")
        self.hold.inside(f"mount --bind {volume} {place} && mount -o bind,remount,ro {place}")
        self.hold.inside(f"mount -t tmpfs inner {self.outside} && touch {self.outside}/inner && mkdir {self.outside}/below"
                         f" && mount -t tmpfs below {self.outside}/below && touch {self.outside}/below/deep")
        self.file("two")
        self.hold.inside(f"mount --bind {self.directory}/one {self.directory}/two")

    def folder(self, name):
        path = os.path.join(self.directory, name)
        os.mkdir(path)
        return path

    def file(self, name):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(name)
        return path

    def show(self, script, *takes):
        """What a script in CRIU's place says."""
        owner = Owner(self, "--into", str(self.hold.pid), "--stage", self.stage, *[word for take in takes for word in ("--take", take)],
                      fake=["--criu", f"run:{script}", "--root", "sleep:600"])
        client = owner.connect()
        answer = client.ask("start")
        said = read(owner.file("criu.err"))
        if answer == "criu 0":
            client.send("abandon")
        owner.wait_gone()
        return answer, said

    def test_mounts_are_found_by_their_place_in_the_target(self):
        answer, said = self.show(
            f"cd {self.stage} && ls -1 && ls root/proc | wc -l && ls -1 volume inner && cat file && echo && touch volume/x 2>&1"
            f" && echo written && touch inner/new && mount | grep -c {self.stage}",
            "/=root", f"{self.directory}/place=volume", f"{self.outside}=inner", f"{self.directory}/two=file")
        self.assertEqual("criu 0", answer, said)
        lines = said.splitlines()
        self.assertEqual(["file", "inner", "root", "volume"], lines[:4])
        self.assertIn("one", lines)
        self.assertIn("below", lines)
        self.assertIn("inner", lines)
        self.assertNotIn("secret", said)
        self.assertIn("Read-only file system", said)
        self.assertNotIn("written", said)
        self.assertEqual([], os.listdir(self.stage), "nobody else sees it")
        self.assertNotIn(self.stage, read("/proc/mounts"))

    def test_what_is_not_mounted_there_is_told(self):
        for take, told in ((f"{self.directory}/nowhere=x", "cannot find "), (f"{self.outside}/below/deep=x", "nothing is mounted at ")):
            answer, said = self.show("echo ran", "/=root", take)
            self.assertEqual("criu 127", answer)
            self.assertIn(told, said)
            self.assertNotIn("ran", said)
            self.assertEqual("ckpt-waiting", self.hold.phase())

    def test_tmp_is_its_own_where_nothing_in_it_is_needed(self):
        state = tempfile.mkdtemp(prefix="shim-", dir="/var/tmp")
        marker = tempfile.mkdtemp(prefix="shim-marker-", dir="/tmp")
        self.addCleanup(os.rmdir, marker)
        left = f"{marker}-left-behind"
        script = os.path.join(self.directory, "criu")
        with open(script, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\nls -a /tmp\nmkdir {left}\nexit 1\n")
        os.chmod(script, 0o755)
        for extra, hidden in (([], True), (["--libdir", "/tmp/x"], False)):
            owner = Owner(self, "--into", str(self.hold.pid), command=[script, "restore", *extra], state=state)
            self.assertEqual("criu 1", owner.connect().ask("start"))
            owner.wait_gone()
            self.assertEqual(not hidden, os.path.basename(marker) in read(owner.file("criu.err")))
            self.assertEqual(not hidden, os.path.exists(left))
            os.remove(owner.file("criu.err"))
        os.rmdir(left)


if __name__ == "__main__":
    require_root()
    main()
