"""checkpointer-init guard: thaws what an engine froze when the engine is done or gone, and no CRIU works there any more."""

import os
import signal
import subprocess
import tempfile
import unittest

from support import INIT, PATIENCE, is_alive, main, read

VERSION1, VERSION2 = "freezer.state", "cgroup.freeze"
OPERATION = f"guarded-{os.urandom(4).hex()}"  # others may run beside us, and the guard looks at the whole machine
MARK = "CHECKPOINTER_HOOK_OPERATION"


class Guard(unittest.TestCase):
    """Freezers are plain files here: what is written there is what a kernel would be told."""

    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.files = []
        for number, name in enumerate((VERSION1, VERSION2)):
            os.mkdir(f"{self.place.name}/{number}")
            self.files.append(f"{self.place.name}/{number}/{name}")
            with open(self.files[-1], "w", encoding="ascii") as file:
                file.write("")

    def start(self):
        process = subprocess.Popen([INIT, "guard", "--operation", OPERATION, *(word for file in self.files for word in ("--freezer", file))],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.assertEqual(b"ready\n", process.stdout.readline())
        return process

    def written(self):
        return [read(file) for file in self.files]

    def test_an_engine_that_is_gone(self):
        process = self.start()
        self.assertEqual(["", ""], self.written())
        process.stdin.close()
        self.assertEqual(0, process.wait(PATIENCE))
        self.assertEqual(["THAWED", "0"], self.written())

    def test_a_criu_of_this_operation_is_waited_for(self):
        process = self.start()
        criu, other = (subprocess.Popen(["/bin/sleep", "1000"], env={MARK: operation}) for operation in (OPERATION, OPERATION + "1"))
        for sleeper in (criu, other):
            self.addCleanup(sleeper.wait)
            self.addCleanup(sleeper.kill)
        process.stdin.close()
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(0.3)
        self.assertEqual(["", ""], self.written())
        criu.kill()
        self.assertEqual(0, process.wait(PATIENCE))
        self.assertEqual(["THAWED", "0"], self.written())
        self.assertTrue(is_alive(other.pid))

    def test_signals_do_not_end_it(self):
        process = self.start()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            process.send_signal(number)
        self.assertTrue(is_alive(process.pid))
        self.assertEqual(process.pid, os.getsid(process.pid))
        process.stdin.close()
        self.assertEqual(0, process.wait(PATIENCE))
        self.assertEqual(["THAWED", "0"], self.written())

    def test_wrong_usage(self):
        other = f"{self.place.name}/other"
        with open(other, "w", encoding="ascii"):
            pass
        operation = ["--operation", OPERATION]
        for words in ([], ["--freezer", self.files[0]], operation, [*operation, "--freezer"], [*operation, "--freezer", VERSION1],
                      [*operation, "--freezer", other], [*operation, "--freezer", "/nowhere/" + VERSION1], [*operation, "x"]):
            done = subprocess.run([INIT, "guard", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((125, ""), (done.returncode, done.stdout), words)
            self.assertRegex(done.stderr, r"\Acheckpointer-init: [^\n]+\n\Z")


if __name__ == "__main__":
    main()
