"""checkpointer-init hold and probe: PID 1 of a placeholder."""

import os
import signal
import socket
import subprocess
import time
import unittest

from holding import Door, Hold
from support import INIT, children_of, descendants_of, eventually, exists, main, require_root


class Waiting(unittest.TestCase):
    def test_it_says_that_it_waits_and_for_how_long(self):
        hold = Hold(self, "--deadline", "500")
        word, left = hold.door().ask("status").rsplit(" ", 1)
        self.assertEqual("ok waiting", word)
        self.assertTrue(400 < int(left) <= 500, left)
        hold.signal(signal.SIGKILL)
        self.assertEqual("checkpointer-init: waiting for a restore, for up to 500 s\n", hold.end()[2].splitlines(True)[0])

    def test_nobody_came_in_time(self):
        code, _, errors = Hold(self, "--deadline", "0.2", waits=False).end()
        self.assertEqual(75, code)
        self.assertIn("nothing was restored in time: giving up\n", errors)

    def test_the_command_is_started_at_the_deadline(self):
        hold = Hold(self, "--deadline", "0.2", "--cold-start", "--", "sh", "-c", "echo $$ $MARK $PWD; ls /proc/self/fd | wc -w; exit 3",
                    waits=False, env={**os.environ, "MARK": "mark"}, cwd="/var")
        code, output, errors = hold.end()
        self.assertEqual((3, "1 mark /var\n4\n"), (code, output), errors)  # the standard descriptors and the listing itself
        self.assertIn("starting sh instead", errors)

    def test_the_command_gets_the_signal_state_that_we_got(self):
        def spoil():
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

        told = []
        for command in (["/bin/cat"], [INIT, "hold", "--deadline", "0.1", "--cold-start", "--", "/bin/cat"]):
            done = subprocess.run(["unshare", "--fork", "--pid", "--mount-proc", *command, "/proc/self/status"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, timeout=60, check=True, preexec_fn=spoil)
            told.append([line for line in done.stdout.splitlines() if line.startswith(("SigBlk", "SigIgn"))])
        self.assertEqual(told[0], told[1])
        self.assertTrue(int(told[0][1].split()[1], 16) & 1 << signal.SIGUSR2 - 1)

    def test_the_command_is_started_when_asked(self):
        hold = Hold(self, "--", "/bin/sh", "-c", "exit 4")
        self.assertEqual("ok", hold.door().ask("cold"))
        self.assertEqual(4, hold.end()[0])

    def test_a_command_that_cannot_run_is_told(self):
        for command, code in (("/nowhere", 127), ("/", 126)):
            hold = Hold(self, "--", command)
            self.assertEqual("ok", hold.door().ask("cold"))
            self.assertEqual(code, hold.end()[0])

    def test_without_a_command_it_goes_on_waiting(self):
        hold = Hold(self)
        self.assertEqual("error there is no command to start", hold.door().ask("cold"))
        self.assertEqual("ckpt-waiting", hold.phase())

    def test_signals_that_ask_for_an_end_end_it(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            hold = Hold(self)
            for harmless in (signal.SIGUSR1, signal.SIGWINCH, signal.SIGRTMIN + 3):
                hold.signal(harmless)
            self.assertTrue(hold.door().ask("status").startswith("ok waiting"))
            hold.signal(number)
            self.assertEqual(128 + number, hold.end()[0])

    def test_orphans_leave_no_zombie(self):
        hold = Hold(self)
        hold.inside("for i in 1 2 3; do (sleep 0.1 &) ; done")
        eventually("all are reaped", lambda: not children_of(hold.pid))

    def test_wrong_usage_is_one_line_and_code_one(self):
        for arguments in (["--nonsense"], ["--deadline"], ["--deadline", "x"], ["--cold-start"], ["stray"], []):
            done = subprocess.run([INIT, "hold", *arguments], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((1, ""), (done.returncode, done.stdout))
            self.assertRegex(done.stderr, r"\Acheckpointer-init: [^\n]+\n\Z")


class Restored(unittest.TestCase):
    def test_the_main_childs_code_is_its_own(self):
        for script, code in (("exec sleep 600", 128 + 9), ("exit 42", 42)):
            hold = Hold(self)
            door = hold.door()
            door.ask("restoring op-1 60")
            pid = hold.leave(script)
            if code != 42:
                self.assertEqual("ok", door.ask(f"main {pid}"))
                self.assertEqual("ok", door.ask("signal 9"))
            else:
                eventually("it has ended", lambda hold=hold: not children_of(hold.pid))  # before anybody said which one it is
                self.assertEqual("ok", door.ask(f"main {pid}"))
            self.assertEqual(code, hold.end()[0])

    def test_the_phase_is_visible_and_probed(self):
        hold = Hold(self)
        probe = [INIT, "enter", "--pid", str(hold.pid), "--", INIT, "probe"]
        self.assertEqual(1, subprocess.run(probe, check=False).returncode)
        door = hold.door()
        self.assertEqual("ok", door.ask("restoring op-1 60"))
        self.assertEqual("ok restoring op-1", door.ask("status"))
        self.assertEqual("ckpt-restoring", hold.phase())
        self.assertEqual(1, subprocess.run(probe, check=False).returncode)
        pid = hold.leave("exec sleep 600")
        self.assertEqual("ok", door.ask(f"main {pid}"))
        self.assertEqual(f"ok running {pid}", door.ask("status"))
        self.assertEqual("ckpt-running", hold.phase())
        self.assertEqual(0, subprocess.run(probe, check=False).returncode)

    def test_what_was_started_cold_is_ready(self):
        hold = Hold(self, "--", "/bin/sleep", "600")
        self.assertEqual("ok", hold.door().ask("cold"))
        eventually("it sleeps", lambda: hold.phase() == "sleep")
        self.assertEqual(0, subprocess.run([INIT, "enter", "--pid", str(hold.pid), "--", INIT, "probe"], check=False).returncode)

    def test_signals_reach_the_main_child(self):
        hold = Hold(self)
        numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH,
                   signal.SIGALRM, signal.SIGRTMIN + 3]
        traps = "; ".join(f"trap \"echo got {int(number)} >> /proc/1/fd/1\" {int(number)}" for number in numbers)
        hold.restored(f"{traps}; echo ready > /proc/1/fd/1; while :; do sleep 0.05; done")
        self.assertEqual("ready\n", hold.process.stdout.readline())
        for number in numbers:
            hold.signal(number)
            self.assertEqual(f"got {int(number)}\n", hold.process.stdout.readline())

    def test_only_a_child_of_ours_can_be_the_main_one(self):
        hold = Hold(self)
        door = hold.door()
        self.assertEqual("error no restore is in progress", door.ask("main 5"))
        door.ask("restoring op-1 60")
        for wrong in ("1", "0", "-1", "x", "", "99999999"):
            self.assertEqual("error not a pid", door.ask(f"main {wrong}"))
        self.assertEqual("error process 4000000 is not our child", door.ask("main 4000000"))
        self.assertEqual("ok restoring op-1", door.ask("status"))

    def test_one_restore_at_a_time(self):
        hold = Hold(self)
        door, pid = hold.door(), 0
        self.assertEqual("ok", door.ask("restoring op-1 60"))
        self.assertEqual("ok", door.ask("restoring op-1 90"))
        self.assertEqual("error restore op-1 is in progress", door.ask("restoring op-2 60"))
        self.assertEqual("error no such restore", door.ask("abandon op-2"))
        pid = hold.leave("exec sleep 600")
        door.ask(f"main {pid}")
        self.assertEqual(f"error process {pid} runs already", door.ask("restoring op-2 60"))

    def test_abandon_kills_all_and_waits_again(self):
        for name in (False, True):
            with self.subTest(main=name):
                hold = Hold(self)
                door = hold.door()
                door.ask("restoring op-1 60")
                pid = hold.leave("sleep 600 & sleep 600 & wait")
                tree = eventually("the tree is there", lambda hold=hold: len(descendants_of(hold.pid)) == 3 and descendants_of(hold.pid))
                if name:
                    door.ask(f"main {pid}")
                self.assertEqual("ok", door.ask("abandon op-1"))
                self.assertTrue(door.ask("status").startswith("ok waiting "))
                self.assertFalse(any(exists(child) for child in tree))
                self.assertEqual("ckpt-waiting", hold.phase())
                self.assertEqual("ok", door.ask("restoring op-2 60"))
                pid = hold.leave("exit 5")
                self.assertEqual("ok", door.ask(f"main {pid}"))
                self.assertEqual(5, hold.end()[0])

    def test_the_time_of_a_restore_that_failed_is_not_counted(self):
        hold = Hold(self, "--deadline", "500")
        door = hold.door()
        left = int(door.ask("status").rsplit(" ", 1)[1])
        began = time.monotonic()
        door.ask("restoring op-1 60")
        restoring = time.monotonic()
        time.sleep(5)
        failed = time.monotonic()
        self.assertEqual("ok", door.ask("abandon op-1"))
        again = int(door.ask("status").rsplit(" ", 1)[1])
        counted = restoring - began + time.monotonic() - failed  # all that may have been, however slow the machine
        self.assertGreaterEqual(again, left - 1 - counted)

    def test_what_runs_can_be_taken_back(self):
        hold = Hold(self)
        door, _ = hold.restored()
        self.assertEqual("error no such restore", door.ask("retract op-2"))
        self.assertEqual("ok", door.ask("retract op-1"))
        self.assertEqual("ok restoring op-1", door.ask("status"))
        hold.inside("kill -9 -1")
        eventually("it is dead", lambda: not children_of(hold.pid))
        self.assertEqual("error no such restore", door.ask("retract op-1"))
        self.assertEqual("ok", door.ask("abandon op-1"))
        self.assertEqual("ckpt-waiting", hold.phase())

    def test_a_restore_that_never_ends_is_given_up(self):
        hold = Hold(self)
        hold.leave("exec sleep 600")
        hold.door().ask("restoring op-1 0.2")
        self.assertEqual(75, hold.end()[0])
        hold = Hold(self, "--cold-start", "--", "/bin/sh", "-c", "ls -d /proc/[0-9]*; exit 6")
        hold.leave("exec sleep 600")
        hold.door().ask("restoring op-1 0.2")
        code, output, _ = hold.end()
        self.assertEqual(6, code)
        self.assertEqual("/proc/1\n", output)


class TheDoor(unittest.TestCase):
    def test_what_is_not_understood_is_answered(self):
        hold = Hold(self)
        door = hold.door()
        for request in (b"status", b"x status", b"-1 status", b"1 st\0atus", b"1 " + b"x" * 4000):
            door.socket.send(request)
            self.assertEqual(b"0 error not SEQUENCE COMMAND", door.socket.recv(4096), request)
        self.assertEqual("error unknown command", door.ask("nonsense"))
        for arguments in ("", " op-1", " op-1 x", " a/b 5", " op-1 0", f" {'x' * 65} 5"):
            self.assertEqual("error restoring needs OPERATION SECONDS", door.ask(f"restoring{arguments}"))
        self.assertEqual("error nothing runs", door.ask("signal 9"))
        self.assertEqual("error not a signal number", door.ask("signal 65"))

    def test_an_answer_can_go_where_nobody_else_reads(self):
        hold = Hold(self)
        door, other = hold.door(), hold.door()
        self.assertTrue(door.ask_apart("status").startswith("ok waiting "))
        other.socket.setblocking(False)
        with self.assertRaises(BlockingIOError):
            other.socket.recv(100)
        for _ in range(100):
            self.assertEqual("error nothing runs", door.ask_apart("signal 9"))
        eventually("no descriptor is kept", lambda: len(os.listdir(f"/proc/{hold.pid}/fd")) == 6)

    def test_answers_that_nobody_reads_stop_nothing(self):
        hold = Hold(self)
        door = hold.door()
        for _ in range(3000):
            door.socket.send(b"1 nonsense")
        self.assertTrue(hold.door().ask_apart("status").startswith("ok waiting "))
        hold.signal(signal.SIGTERM)
        self.assertEqual(128 + 15, hold.end()[0])

    def test_an_answer_to_nobody_stops_nothing(self):
        hold = Hold(self)
        door = hold.door()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.close()
        with theirs:
            socket.send_fds(door.socket, [b"1 status"], [theirs.fileno()])
        self.assertTrue(door.ask("status").startswith("ok waiting "))

    def test_a_descriptor_of_somebody_else_is_not_taken(self):
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 64, inheritable=True)
        try:
            code, _, errors = Hold(self, waits=False, pass_fds=[64]).end()
        finally:
            os.close(64)
            os.close(null)
        self.assertEqual(1, code)
        self.assertIn("descriptor 64, which the engine looks for, is somebody else's", errors)

    def test_another_program_has_no_door(self):
        with self.assertRaises(OSError):
            Door(self, os.getpid())


if __name__ == "__main__":
    require_root()
    main()
