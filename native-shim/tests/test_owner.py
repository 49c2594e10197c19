"""checkpointer-init restore: the life of an owner, with a stand-in for CRIU."""

import os
import shutil
import signal
import time
import unittest

from support import (Gate, Owner, children_of, descendants_of, eventually, exists, in_each_mode, inner_pid, is_alive, main, read,
                     require_root)

LOG = ("--map", "pipe:[1]=log")


class OwnerLife(unittest.TestCase):
    @in_each_mode
    def test_status_follows_the_life_of_the_tree(self, mode):
        gate = Gate(self)
        owner = Owner(self, *mode, *LOG, fake=["--criu", f"until:{gate.path}", "--root", "await;exit:3"])
        watcher = owner.connect()
        self.assertEqual("status waiting", watcher.ask("status"))
        starter = owner.connect()
        starter.send("start")
        eventually("restoring", lambda: watcher.ask("status") == "status restoring")
        gate.open()
        self.assertEqual("criu 0", starter.line())
        root = starter.line().split()
        self.assertEqual("root", root[0])
        self.assertEqual(f"status running {root[1]}", watcher.ask("status"))
        self.assertEqual([int(root[1])], [inner_pid(child) for child in children_of(owner.pid)])
        owner.signal(signal.SIGUSR1)
        for client in (starter, watcher):
            self.assertEqual("exited 3", client.line())
            self.assertIsNone(client.line())
        self.assertEqual("exited 3\n", read(owner.file("exit")))
        owner.wait_gone()
        self.assertFalse(os.path.exists(owner.file("init.sock")))

    @in_each_mode
    def test_the_end_by_a_signal_is_told(self, mode):
        owner = Owner(self, *mode, fake=["--root", "kill:6"])
        client, _ = owner.start(self)
        self.assertEqual("signalled 6", client.line())
        self.assertEqual("signalled 6\n", read(owner.file("exit")))

    @in_each_mode
    def test_a_root_that_ends_before_criu_does_is_not_lost(self, mode):
        owner = Owner(self, *mode, fake=["--criu", "early", "--root", "exit:9"])
        client, _ = owner.start(self)
        self.assertEqual("exited 9", client.line())
        owner.wait_gone()

    @in_each_mode
    def test_the_owner_stays_until_the_last_of_the_tree_is_gone(self, mode):
        owner = Owner(self, *mode, fake=["--root", "spawn:600;exit:0"])
        client, _ = owner.start(self)
        self.assertEqual("exited 0", client.line())
        self.assertTrue(is_alive(owner.pid))
        self.assertEqual("status exited 0", client.ask("status"))
        self.assertEqual("exited 0", owner.connect().ask("wait"))
        self.assertTrue(owner.connect().ask("signal 15").startswith("error "))
        [last] = children_of(owner.pid)
        os.kill(last, signal.SIGKILL)
        self.assertIsNone(client.line())
        owner.wait_gone()

    @in_each_mode
    def test_orphans_leave_no_zombie(self, mode):
        owner = Owner(self, *mode, *LOG, fake=["--criu", "orphan;orphan", "--root", "orphan;orphan;write:done;sleep:60"])
        owner.start(self)
        eventually("the root is through", lambda: "done" in owner.output())
        eventually("only the root is left", lambda: len(children_of(owner.pid)) == 1)

    @in_each_mode
    def test_every_forwarded_signal_reaches_the_root(self, mode):
        owner = Owner(self, *mode, *LOG, fake=["--root", "tell"])
        owner.start(self)
        eventually("the root listens", lambda: "ready" in owner.output())
        for number in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT", "SIGTSTP"):
            value = getattr(signal, number)
            owner.signal(value)
            eventually(f"{number} arrived", lambda value=value: f"got {int(value)}\n" in owner.output())
        self.assertTrue(is_alive(owner.pid))

    def test_the_signal_command_reaches_the_root(self):
        owner = Owner(self, fake=["--root", "sleep:60"])
        client, _ = owner.start(self)
        self.assertEqual("ok", client.ask("signal 9"))
        self.assertEqual("signalled 9", client.line())

    def test_criu_gets_a_clean_start(self):
        def spoil_signals():
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])

        owner = Owner(self, *LOG, "--map", "pipe:[2]=null-r", environment={"SHIM_TEST": "passed through"}, preexec=spoil_signals,
                      fake=["--criu", "show", "--root", "exit:0"])
        client, _ = owner.start(self)
        client.line()
        owner.wait_gone()
        told = read(owner.file("criu.err"))
        self.assertIn("SigBlk:\t0000000000000000", told)
        self.assertIn("SigIgn:\t0000000001001000", told)  # what Python itself ignores: SIGPIPE, SIGXFSZ
        self.assertIn("environment passed through", told)
        self.assertIn("arguments restore --inherit-fd fd[100]:pipe:[1] --inherit-fd fd[101]:pipe:[2] --pidfile", told)
        self.assertIn("descriptors [0, 1, 2, 3, 100, 101]", told)  # 3 is the listing itself

    @in_each_mode
    def test_a_criu_that_fails_is_told_and_its_leftovers_die(self, mode):
        for steps, told in (("exit:1", "criu 1"), ("kill:9", "criu 137"), ("exit:255", "criu 255")):
            owner = Owner(self, *mode, fake=["--criu", f"spawn:600;{steps}"])
            client = owner.connect()
            self.assertEqual(told, client.ask("start"))
            self.assertIsNone(client.line())
            owner.wait_gone()
            self.assertEqual("", read(owner.file("exit")))

    @in_each_mode
    def test_a_root_that_is_not_ours_is_an_error(self, mode):
        for fake, told in ((["--criu", "detach"], "cannot open restored.pid"), (["--pid", "1"], "not ours"),
                           (["--pid", "x"], "no pid"), (["--pid", "99999999"], "no pid")):
            owner = Owner(self, *mode, fake=fake)
            client = owner.connect()
            self.assertEqual("criu 0", client.ask("start"))
            self.assertRegex(client.line(), f"^error .*{told}")
            self.assertIsNone(client.line())
            owner.wait_gone()

    @in_each_mode
    def test_abandon_kills_a_whole_tree(self, mode):
        owner = Owner(self, *mode, *LOG, fake=["--root", "spawn:600;spawn:600;orphan;write:done;sleep:600"])
        client, _ = owner.start(self)
        eventually("the tree is there", lambda: "done" in owner.output())
        # The one between the root and the orphan may take a moment to end.
        eventually("a tree of three", lambda: len(descendants_of(owner.pid)) == 3)
        tree = descendants_of(owner.pid)
        owner.connect().send("abandon")
        self.assertEqual("signalled 9", client.line())
        self.assertIsNone(client.line())
        owner.wait_gone()
        self.assertEqual([], [pid for pid in tree if exists(pid)])

    @in_each_mode
    def test_abandon_before_start_and_in_mid_restore(self, mode):
        owner = Owner(self, *mode)
        client = owner.connect()
        client.send("abandon")
        self.assertIsNone(client.line())
        owner.wait_gone()
        owner = Owner(self, *mode, fake=["--criu", "sleep:600"])
        starter = owner.connect()
        starter.send("start")
        eventually("the root is there", lambda owner=owner: os.path.exists(owner.file("restored.pid")))
        tree = descendants_of(owner.pid)
        owner.signal(signal.SIGTERM)
        self.assertEqual("criu 137", starter.line())
        self.assertIsNone(starter.line())
        owner.wait_gone()
        self.assertEqual([], [pid for pid in tree if exists(pid)])

    @in_each_mode
    def test_without_start_the_owner_gives_up_at_its_deadline(self, mode):
        begun = time.monotonic()
        owner = Owner(self, *mode, "--deadline", "3")  # time enough to connect
        self.assertIsNone(owner.connect().line())
        self.assertGreaterEqual(time.monotonic() - begun, 3)
        owner.wait_gone()
        self.assertIn("nobody said start", read(owner.file("init.log")))

    @in_each_mode
    def test_it_goes_on_when_its_state_directory_vanishes(self, mode):
        owner = Owner(self, *mode, *LOG, fake=["--root", "await;write:on;exit:4"])
        client, _ = owner.start(self)
        shutil.rmtree(owner.state)
        owner.signal(signal.SIGUSR1)
        self.assertEqual("exited 4", client.line())
        owner.wait_gone()

    def test_ns_last_pid_keeps_criu_off_low_pids(self):
        owner = Owner(self, "--pid-namespace", "--last-pid", "5000", fake=["--criu", "show", "--root", "exit:0"])
        _, root = owner.start(self)
        self.assertGreater(root, 5000)
        self.assertIn("pid 5001 session 5001", read(owner.file("criu.err")))


if __name__ == "__main__":
    require_root()
    main()
