"""checkpointer-init detach: a command in a session of its own, as the same process."""

import os
import signal
import subprocess
import unittest

from support import INIT, Owner, main, require_root

SH = "/bin/sh"


class Detach(unittest.TestCase):
    def detach(self, *words, **more):
        return subprocess.run([INIT, "detach", *words], capture_output=True, text=True, timeout=60, check=False, **more)

    def test_the_command_is_the_same_process_and_leads_a_session(self):
        process = subprocess.Popen([INIT, "detach", "--", SH, "-c", "echo $$; cut -d' ' -f6 /proc/$$/stat; exit 7"],
                                   stdout=subprocess.PIPE, text=True)
        with process.stdout:
            self.assertEqual(f"{process.pid}\n{process.pid}\n", process.stdout.read())
        self.assertEqual(7, process.wait())

    def test_who_leads_a_session_or_a_group_already_stays_in_it(self):
        self.assertEqual(0, self.detach("--", "/bin/true", start_new_session=True).returncode)
        self.assertEqual(0, self.detach("--", "/bin/true", preexec_fn=os.setpgrp).returncode)

    def test_signals_and_environment(self):
        def spoil():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        done = self.detach("--", SH, "-c", "grep -E 'SigBlk|SigIgn' /proc/self/status; echo $SHIM", preexec_fn=spoil,
                           env={**os.environ, "SHIM": "through"})
        self.assertEqual(["SigBlk:\t" + "0" * 16, "SigIgn:\t" + "0" * 16, "through"], done.stdout.splitlines())

    def test_wrong_usage_and_missing_commands(self):
        for code, words in ((125, []), (125, ["--"]), (125, ["x", "--", SH]), (125, ["--", "sh"]), (127, ["--", "/nowhere/x"]),
                            (126, ["--", "/"])):
            done = self.detach(*words)
            self.assertEqual((code, ""), (done.returncode, done.stdout), words)
            self.assertRegex(done.stderr, r"\Acheckpointer-init: [^\n]+\n\Z")

    def test_together_with_enter(self):
        owner = Owner(self, "--pid-namespace")
        done = self.detach("--", INIT, "enter", "--pid", str(owner.pid), "--", SH, "-c", "readlink /proc/self/ns/pid; exit 5")
        self.assertEqual((5, os.readlink(f"/proc/{owner.pid}/ns/pid") + "\n"), (done.returncode, done.stdout))


if __name__ == "__main__":
    require_root()
    main()
