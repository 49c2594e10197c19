"""checkpointer-gpu against a library that does what FAKE_... says: the protocol, its deadlines, and its children."""
import json
import os
import signal
import subprocess
import sys
import time
import unittest

import gpu_worker
from gpu_worker import start_time
from support import PATIENCE, children_of, eventually, is_alive

WORKER = os.environ["SHIM_GPU"]
LIBRARY = os.environ["SHIM_FAKE_CUDA"]
A = "GPU-00112233-4455-6677-8899-aabbccddeeff"
B = "GPU-ffffffff-0000-1111-2222-333333333333"


class Worker(gpu_worker.Worker):
    def __init__(self, library=LIBRARY, **fakes):
        super().__init__(WORKER, library, **fakes)

    def on_self(self, verb, argument="", deadline=60000):
        return self.on(os.getpid(), verb, argument, deadline)


class Protocol(unittest.TestCase):
    def test_every_call_tells_its_code_and_name(self):
        with Worker() as worker:
            self.assertEqual(worker.ask("hello"), ["ok protocol=1 driver=13000"])
            self.assertRegex(worker.on_self("probe"), rf"^ok call=cuCheckpointProcessGetRestoreThreadId code=0 name=CUDA_SUCCESS ms=[0-9.]+ cuda=yes tid={os.getpid() + 1}$")
            self.assertRegex(worker.on_self("state"), "^ok call=cuCheckpointProcessGetState code=0 .* state=0$")
            self.assertRegex(worker.on_self("lock", "250"), "^ok call=cuCheckpointProcessLock ")
            self.assertRegex(worker.on_self("checkpoint"), "^ok call=cuCheckpointProcessCheckpoint ")
            self.assertRegex(worker.on_self("restore", "-"), "^ok call=cuCheckpointProcessRestore ")
            self.assertRegex(worker.on_self("restore", f"{A}={B}"), "^ok call=cuCheckpointProcessRestore ")
            self.assertRegex(worker.on_self("unlock"), "^ok call=cuCheckpointProcessUnlock ")

    def test_errors_are_passed_on_and_the_worker_goes_on(self):
        with Worker(FAKE_LOCK="600", FAKE_CHECKPOINT="2", FAKE_INIT="100") as worker:
            self.assertRegex(worker.on_self("lock", "250"), "^error driver call=cuCheckpointProcessLock code=600 name=CUDA_ERROR_NOT_READY ")
            self.assertRegex(worker.on_self("checkpoint"), "^error driver call=cuCheckpointProcessCheckpoint code=2 ")
            self.assertRegex(worker.on_self("restore", "-"), "^error driver call=cuInit code=100 ")
            self.assertRegex(worker.on_self("unlock"), "^ok ")

    def test_a_process_without_cuda_is_an_answer_not_an_error(self):
        for code in ("1", "3"):
            with Worker(FAKE_PROBE=code) as worker:
                self.assertRegex(worker.on_self("probe"), f"^ok .* code={code} .* cuda=no$")
        with Worker(FAKE_PROBE="304") as worker:
            self.assertRegex(worker.on_self("probe"), "^error driver .* code=304 ")

    def test_states_are_passed_on_as_numbers(self):
        with Worker(FAKE_STATE_IS="17") as worker:
            self.assertRegex(worker.on_self("state"), " state=17$")

    def test_old_drivers_are_told_by_version_not_by_symbols(self):
        with Worker(FAKE_VERSION="12040") as worker:
            self.assertEqual(worker.on_self("lock", "250"), "error unsupported verb=lock needs=12080 driver=12040")
        with Worker(FAKE_VERSION="12080") as worker:
            self.assertRegex(worker.on_self("restore", "-"), "^ok ")
            self.assertEqual(worker.on_self("restore", f"{A}={B}"), "error unsupported verb=restore needs=13000 driver=12080")

    def test_devices_are_listed_without_the_callers_restrictions(self):
        with Worker(CUDA_VISIBLE_DEVICES="1", LD_LIBRARY_PATH="/nowhere") as worker:
            lines = worker.ask("devices")
            self.assertEqual(lines[0], "item index=0 uuid=GPU-00010203-0405-0607-0809-0a0b0c0d0e0f memory=85899345920 "
                                       "capability=9.0 bus=0000:01:00.0 name=Fake%20GPU%20100%25%200%0A")
            self.assertEqual(len(lines), 3)

    def test_a_pid_that_is_another_process_is_never_touched(self):
        with Worker(FAKE_LOCK="die") as worker:
            self.assertRegex(worker.ask(f"lock {os.getpid()} 1 250")[-1], "^error gone text=process .* is another one")
            self.assertRegex(worker.ask("lock 4194303 1 250")[-1], "^error gone text=there is no process")

    def test_a_missing_library_is_told(self):
        with Worker(library="/nowhere/libcuda.so.1") as worker:
            self.assertRegex(worker.ask("hello")[0], "^error library text=cannot load the CUDA driver: /nowhere")

    def test_what_the_driver_prints_is_not_an_answer(self):
        with Worker(FAKE_LOCK="print") as worker:
            self.assertRegex(worker.on_self("lock", "250"), "^ok call=cuCheckpointProcessLock ")

    def test_garbage_is_answered(self):
        with Worker() as worker:
            worker.process.stdin.write("\n7 1\n7 1000 hello\n")
            worker.process.stdin.flush()
            self.assertRegex(worker.process.stdout.readline(), "^- error usage ")
            self.assertRegex(worker.process.stdout.readline(), "^- error usage ")
            self.assertRegex(worker.process.stdout.readline(), "^7 ok ")
            worker.process.stdin.write("x" * 9000)
            worker.process.stdin.flush()
            self.assertEqual(worker.process.wait(PATIENCE), 1)


class Children(unittest.TestCase):
    def test_a_call_that_hangs_is_unknown_and_its_child_is_killed(self):
        left = []
        for _ in range(3):
            with Worker(FAKE_CHECKPOINT="hang") as worker:
                worker.ask("hello")
                child = children_of(worker.process.pid)[0]
                before = time.monotonic()
                self.assertEqual(worker.on_self("checkpoint", deadline=300), "error unknown verb=checkpoint why=deadline")
                self.assertLess(time.monotonic() - before, 20)  # it would hang for ever
                left.append(children_of(worker.process.pid))
                eventually("the child is gone", lambda child=child: not is_alive(child))
                self.assertRegex(worker.on_self("state"), "^ok ")
        self.assertIn([], left)  # it is reaped, too, unless the machine lets a killed process stand for a second

    def test_a_call_that_kills_its_child_is_unknown(self):
        with Worker(FAKE_RESTORE="die") as worker:
            self.assertEqual(worker.on_self("restore", "-"), "error unknown verb=restore why=died")
            self.assertRegex(worker.on_self("state"), "^ok ")

    def test_the_child_dies_with_the_worker(self):
        with Worker(FAKE_LOCK="hang") as worker:
            worker.ask("hello")
            child = children_of(worker.process.pid)[0]
            worker.process.stdin.write(f"7 60000 lock {os.getpid()} {start_time(os.getpid())} 250\n")
            worker.process.stdin.flush()
            worker.process.send_signal(signal.SIGKILL)
            worker.process.wait()
            eventually("the child is gone", lambda: not is_alive(child))

    def test_the_end_of_the_requests_is_the_end_of_the_worker(self):
        with Worker() as worker:
            worker.ask("hello")
            worker.process.stdin.close()
            self.assertEqual(worker.process.wait(PATIENCE), 0)


class Inventory(unittest.TestCase):
    def run_inventory(self, *arguments, **fakes):
        return subprocess.run([WORKER, "inventory", *arguments], capture_output=True, text=True, check=False, timeout=2 * PATIENCE,
                              env={**os.environ, **fakes})

    def test_what_nvml_lacks_is_left_out_and_lost_gpus_are_named(self):
        result = self.run_inventory("--nvml-library", LIBRARY)
        self.assertEqual(result.returncode, 0, result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual(found["gpus"], [{"index": 0, "uuid": "GPU-1", "nvlinks": []}, {"index": 1, "lost": 15}])

    def test_a_missing_a_failing_a_dying_and_a_hanging_nvml_are_told_apart(self):
        for arguments, fakes, code in (
            (["--nvml-library", "/nowhere"], {}, "nvml-unusable"),
            (["--nvml-library", LIBRARY], {"FAKE_NVML": "9"}, "nvml-unusable"),
            (["--nvml-library", LIBRARY], {"FAKE_NVML": "die"}, "nvml-died"),
            (["--nvml-library", LIBRARY, "--deadline", "0.3"], {"FAKE_NVML": "hang"}, "nvml-late"),
        ):
            result = self.run_inventory(*arguments, **fakes)
            self.assertEqual((result.returncode, json.loads(result.stdout)["error"]["code"]), (1, code))

    def test_wrong_usage_is_told(self):
        for arguments in (["inventory", "--deadline", "0"], ["inventory", "x"], ["serve", "x"], ["nothing"], []):
            self.assertEqual(subprocess.run([WORKER, *arguments], capture_output=True, check=False).returncode, 2)


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit(77)
    unittest.main()
