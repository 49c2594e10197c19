"""The simulated driver behaves like the real one in the fifteen ways that matter to a checkpoint. SIMULATOR only."""
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from lab import BUILD, CHECKPOINTED, FAILED, LOCK_MS, LOCKED, PATIENCE, RUNNING, Node, Sample, Worker, eventually, rss


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def find_criu():
    named = os.environ.get("CHECKPOINTER_CRIU", "")
    return next((path for path in (named, "/usr/lib/checkpointer/criu", "/usr/sbin/criu") if path and os.access(path, os.X_OK)), None)


class Behaviours(unittest.TestCase):
    def node(self, *arguments, **keys):
        node = Node(*arguments, **keys)
        self.addCleanup(node.close)
        return node

    def sample(self, *arguments, **keys):
        sample = Sample(*arguments, **keys)
        self.addCleanup(sample.close)
        return sample

    def worker(self, *arguments, **environment):
        worker = Worker(*arguments, **environment)
        self.addCleanup(worker.__exit__)
        return worker

    def take(self, worker, pid):
        self.assertEqual(worker.code("lock", pid, LOCK_MS), 0)
        self.assertEqual(worker.code("checkpoint", pid), 0)

    def give(self, worker, pid, pairs="-"):
        self.assertEqual(worker.code("restore", pid, pairs), 0)
        self.assertEqual(worker.code("unlock", pid), 0)
        self.assertEqual(worker.state(pid), RUNNING)

    def test_01_device_memory_is_not_in_the_process(self):
        node = self.node(gpus=1)
        idle = self.sample(node, mib=1)
        busy = self.sample(node, mib=33)
        # The program keeps two host blocks of its own; a third one would be the device's.
        self.assertLess(rss(busy.pid) - rss(idle.pid), 80 << 20)
        self.assertEqual(int(node.control("used 0")), (2 + 34) << 20)

    def test_02_a_checkpoint_moves_device_memory_into_the_process_or_is_out_of_memory(self):
        node = self.node(gpus=1)
        sample = self.sample(node, mib=32)
        worker = self.worker(node)
        node.control(f"set host-limit {8 << 20}")
        self.assertEqual(worker.code("lock", sample.pid, LOCK_MS), 0)
        self.assertEqual(worker.code("checkpoint", sample.pid), 2)
        self.assertEqual(worker.state(sample.pid), LOCKED)
        node.control("set host-limit 0")
        before = rss(sample.pid)
        self.assertEqual(worker.code("checkpoint", sample.pid), 0)
        self.assertGreaterEqual(rss(sample.pid) - before, 32 << 20)
        self.give(worker, sample.pid)
        self.assertTrue(sample.goes_on())

    def test_02_a_cgroup_without_room_is_out_of_memory(self):
        group = f"/sys/fs/cgroup/memory/gpu-simulator-{os.urandom(4).hex()}"
        if not os.path.isdir("/sys/fs/cgroup/memory"):
            self.skipTest("no memory controller of version 1 here")
        node = self.node(gpus=1)
        sample = self.sample(node, mib=32)
        os.mkdir(group)

        def remove():
            sample.process.kill()
            sample.process.wait()
            eventually("an empty cgroup", is_removed)

        def is_removed():
            try:
                os.rmdir(group)
                return True
            except OSError:
                return False

        self.addCleanup(remove)
        with open(f"{group}/memory.limit_in_bytes", "w", encoding="ascii") as file:
            file.write(str(16 << 20))
        with open(f"{group}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(sample.pid))
        worker = self.worker(node)
        self.assertEqual(worker.code("lock", sample.pid, LOCK_MS), 0)
        self.assertEqual(worker.code("checkpoint", sample.pid), 2)

    def device_files(self, pid):
        links = (os.readlink(path) for path in glob.glob(f"/proc/{pid}/fd/*") if os.path.islink(path))
        return [link for link in links if "/nvidia" in link]

    def test_03_device_files_are_open_until_the_checkpoint_and_stay_in_children_that_only_forked(self):
        node = self.node()
        sample = self.sample(node, "--fork")
        with open(f"/proc/{sample.pid}/task/{sample.pid}/children", encoding="ascii") as file:
            child = int(file.read())
        self.assertEqual(len(self.device_files(sample.pid)), 4)
        # The way to the daemon is the simulator's own affair.
        self.assertFalse([path for path in glob.glob(f"/proc/{sample.pid}/fd/*") if os.readlink(path).startswith("socket:")])
        worker = self.worker(node)
        self.assertEqual(worker.code("probe", child), 1)
        self.take(worker, sample.pid)
        self.assertEqual(self.device_files(sample.pid), [])
        self.assertEqual(len(self.device_files(child)), 4)
        with open(f"/proc/{sample.pid}/maps", encoding="ascii") as file:
            self.assertNotIn("nvidia-registers", file.read())
        self.give(worker, sample.pid)
        self.assertEqual(len(self.device_files(sample.pid)), 4)

    def criu(self, sample, folder):
        criu = find_criu()
        if criu is None:
            self.skipTest("no CRIU here (CHECKPOINTER_CRIU)")
        libraries = os.path.join(folder, "none")
        os.makedirs(libraries, exist_ok=True)
        return subprocess.run([criu, "dump", "--no-default-config", "--libdir", libraries, "-t", str(sample.pid), "-D", folder, "-o",
                               "dump.log", "-v4", "--manage-cgroups=ignore", "--leave-running", "--shell-job"],
                              capture_output=True, text=True, check=False, timeout=120).returncode

    def test_03_criu_dumps_it_only_while_it_is_checkpointed(self):
        node = self.node()
        sample = self.sample(node)
        worker = self.worker(node)
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            self.assertNotEqual(self.criu(sample, folder), 0)
            self.take(worker, sample.pid)
            self.assertEqual(self.criu(sample, folder), 0, read(f"{folder}/dump.log")[-3000:])
        self.give(worker, sample.pid)
        self.assertTrue(sample.goes_on())

    def test_04_a_frozen_process_answers_nothing(self):
        node = self.node()
        sample = self.sample(node)
        worker = self.worker(node)
        sample.freeze()
        self.assertEqual(worker.state(sample.pid, deadline=500), "unknown")
        sample.thaw()
        self.assertEqual(worker.state(sample.pid), RUNNING)

    def test_05_every_other_order_is_an_illegal_state(self):
        node = self.node()
        sample = self.sample(node)
        worker = self.worker(node)
        arguments = {"lock": LOCK_MS, "checkpoint": "", "restore": "-", "unlock": ""}
        legal = (("lock", RUNNING), ("checkpoint", LOCKED), ("restore", CHECKPOINTED), ("unlock", LOCKED))
        for state, forward in ((RUNNING, "lock"), (LOCKED, "checkpoint"), (CHECKPOINTED, "restore"), (LOCKED, "unlock")):
            self.assertEqual(worker.state(sample.pid), state)
            for verb, argument in arguments.items():
                if (verb, state) not in legal:
                    self.assertEqual(worker.code(verb, sample.pid, argument), 401, f"{verb} in {state}")
            self.assertEqual(worker.code(forward, sample.pid, arguments[forward]), 0)
        self.assertTrue(sample.goes_on())

    def test_05_a_lock_waits_for_submitted_work_and_gives_up_in_time(self):
        node = self.node(gpus=1, kernel_ms=1500)
        sample = self.sample(node)
        worker = self.worker(node)

        def is_late():
            code = worker.code("lock", sample.pid, "20")
            if code == 0:  # between two kernels
                self.assertEqual(worker.code("unlock", sample.pid), 0)
            else:
                self.assertEqual(code, 600)
            return code == 600

        eventually("a lock that gives up", is_late)
        self.assertEqual(worker.state(sample.pid), RUNNING)
        self.assertEqual(worker.code("lock", sample.pid, LOCK_MS), 0)
        self.assertEqual(worker.state(sample.pid), LOCKED)

    def test_06_calls_wait_while_it_is_locked_and_the_cpu_goes_on(self):
        node = self.node()
        sample = self.sample(node, "--fork")
        worker = self.worker(node)
        self.assertEqual(worker.code("lock", sample.pid, LOCK_MS), 0)
        before = sample.steps()
        time.sleep(0.3)
        self.assertLessEqual(sample.steps() - before, 1)
        self.assertIsNone(sample.process.poll())
        self.assertEqual(worker.code("unlock", sample.pid), 0)
        self.assertTrue(sample.goes_on())

    def test_07_failed_is_for_ever_and_errors_may_come_after_the_deed(self):
        node = self.node()
        sample = self.sample(node)
        worker = self.worker(node)
        node.control("fault lock after error 999")
        self.assertEqual(worker.code("lock", sample.pid, LOCK_MS), 999)
        self.assertEqual(worker.state(sample.pid), LOCKED)
        node.control("fault checkpoint before failed 999")
        self.assertEqual(worker.code("checkpoint", sample.pid), 999)
        self.assertEqual(worker.state(sample.pid), FAILED)
        for verb, argument in (("lock", LOCK_MS), ("checkpoint", ""), ("restore", "-"), ("unlock", "")):
            self.assertEqual(worker.code(verb, sample.pid, argument), 401)
        self.assertEqual(node.control("fired"), "2")

    def test_07_a_caller_that_dies_leaves_an_unknown_outcome(self):
        node = self.node()
        sample = self.sample(node)
        worker = self.worker(node)
        node.control("fault lock after die")
        self.assertEqual(worker.code("lock", sample.pid, LOCK_MS), "unknown")
        self.assertEqual(worker.state(sample.pid), LOCKED)

    def pairs(self, old, new):
        return ",".join(f"{a['uuid']}={b['uuid']}" for a, b in zip(old, new))

    def test_08_a_restore_elsewhere_needs_a_map_of_every_gpu_of_the_same_chip_with_room(self):
        here = self.node(name="here")
        other = self.node(name="other")
        sample = self.sample(here, mib=16)
        self.take(self.worker(here), sample.pid)
        worker = self.worker(other)
        old, new = here.devices(), other.devices()
        larger = self.node("h200", name="larger")
        self.assertEqual(worker.code("restore", sample.pid, "-"), 1)
        self.assertEqual(worker.code("restore", sample.pid, self.pairs(old[:1], new)), 1)
        self.assertEqual(worker.code("restore", sample.pid, self.pairs(old, [new[0], new[0]])), 1)
        self.assertEqual(self.worker(larger).code("restore", sample.pid, self.pairs(old, larger.devices())), 801)
        crowded = self.node(name="crowded", memory_mib=8)
        self.assertEqual(self.worker(crowded).code("restore", sample.pid, self.pairs(old, crowded.devices())), 2)
        self.assertEqual(worker.state(sample.pid), CHECKPOINTED)
        self.give(worker, sample.pid, self.pairs(old, reversed(new)))
        self.assertTrue(sample.goes_on())
        self.assertGreater(int(other.control("used 0")), 0)
        self.assertTrue(all(a["uuid"] != b["uuid"] and a["bus"] != b["bus"] for a, b in zip(old, new)))

    def test_08_a_driver_before_r580_takes_no_map(self):
        here = self.node("l4", name="here", persistence=1)
        sample = self.sample(here)
        worker = self.worker(here)
        self.take(worker, sample.pid)
        pairs = self.pairs(here.devices(), here.devices())
        self.assertEqual(worker.code("restore", sample.pid, pairs), "unsupported")
        self.give(worker, sample.pid)

    def test_09_a_restore_wants_its_caller_initialized_or_persistence_mode(self):
        script = ("import ctypes,sys; l=ctypes.CDLL(sys.argv[1]); p=int(sys.argv[2]); i=len(sys.argv)>3 and l.cuInit(0);"
                  "print(l.cuCheckpointProcessRestore(p, None))")
        node = self.node(persistence=0)
        sample = self.sample(node)
        worker = self.worker(node)

        def restore(*more):
            return int(subprocess.run([sys.executable, "-c", script, node.cuda, str(sample.pid), *more], capture_output=True, text=True,
                                      check=True, timeout=60).stdout)

        self.take(worker, sample.pid)
        self.assertEqual(restore(), 3)
        self.assertEqual(restore("init"), 0)
        self.assertEqual(worker.code("checkpoint", sample.pid), 0)
        node.control("set persistence 1")
        self.assertEqual(restore(), 0)

    def test_10_peers_that_share_memory_hold_each_other_unless_they_are_one_job(self):
        node = self.node(cuda=13030)
        worker = self.worker(node)
        for environment, expected in (({}, "unknown"), ({"GPU_SIMULATOR_JOB": "1"}, 0)):
            first = self.sample(node, "--export", GPU_SIMULATOR_GROUP="ranks" + str(expected), **environment)
            second = self.sample(node, GPU_SIMULATOR_GROUP="ranks" + str(expected), **environment)
            self.assertEqual(worker.code("lock", first.pid, LOCK_MS), 0)
            # Held, it never comes back.
            self.assertEqual(worker.code("lock", second.pid, LOCK_MS, deadline=1000 if expected else 60000), expected)
            self.assertEqual(worker.code("checkpoint", first.pid), 801 if expected else 0)

    def test_10_the_memory_of_an_importer_cannot_be_given_back(self):
        node = self.node()
        sample = self.sample(node, "--import")
        worker = self.worker(node)
        self.take(worker, sample.pid)
        self.assertEqual(worker.code("restore", sample.pid, "-"), 1)
        self.assertEqual(worker.state(sample.pid), CHECKPOINTED)

    def test_11_addresses_and_contents_are_kept(self):
        node = self.node()
        sample = self.sample(node, mib=3)
        worker = self.worker(node)
        for _ in range(3):
            self.take(worker, sample.pid)
            self.give(worker, sample.pid)
            self.assertTrue(sample.goes_on(), "device memory is not what it was")

    def test_12_memory_counts_as_used_for_a_while_after_the_checkpoint(self):
        node = self.node(gpus=1, release_lag_ms=5000)
        sample = self.sample(node)
        worker = self.worker(node)
        self.take(worker, sample.pid)
        self.assertGreater(int(node.control("used 0")), 0)
        eventually("memory that is free", lambda: int(node.control("used 0")) == 0)

    def test_13_features_come_with_versions_and_states_may_be_new(self):
        node = self.node(cuda=12040)
        sample = self.sample(node)
        self.assertEqual(self.worker(node).code("lock", sample.pid, LOCK_MS), "unsupported")
        script = "import ctypes,sys; print(ctypes.CDLL(sys.argv[1]).cuCheckpointProcessLock(int(sys.argv[2]), None))"
        direct = subprocess.run([sys.executable, "-c", script, node.cuda, str(sample.pid)], capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(int(direct.stdout), 801)
        newer = self.node(cuda=13040)
        other = self.sample(newer)
        newer.control("fault state after value 5")
        self.assertEqual(self.worker(newer).state(other.pid), 5)

    def test_14_partitions_are_out_of_memory_and_managed_memory_is_not_supported(self):
        partitioned = self.node("a100-mig")
        sample = self.sample(partitioned)
        worker = self.worker(partitioned)
        self.assertEqual(worker.code("lock", sample.pid, LOCK_MS), 0)
        self.assertEqual(worker.code("checkpoint", sample.pid), 2)
        self.assertEqual(worker.code("unlock", sample.pid), 0)
        node = self.node()
        managed = self.sample(node, "--managed")
        worker = self.worker(node)
        self.assertEqual(worker.code("lock", managed.pid, LOCK_MS), 0)
        self.assertEqual(worker.code("checkpoint", managed.pid), 801)

    def test_15_copies_take_time_by_their_bytes(self):
        node = self.node(gpus=1, copy_mib_per_second=32)
        worker = self.worker(node)
        times = []
        for mib, copies in ((2, 5), (32, 1)):
            sample = self.sample(node, mib=mib)
            least = PATIENCE
            for _ in range(copies):
                self.assertEqual(worker.code("lock", sample.pid, LOCK_MS), 0)
                before = time.monotonic()
                self.assertEqual(worker.code("checkpoint", sample.pid), 0)
                least = min(least, time.monotonic() - before)
                self.give(worker, sample.pid)
            times.append(least)
        self.assertGreater(times[1], 0.9)
        self.assertGreater(times[1], times[0])

    def test_it_says_that_it_is_a_simulator(self):
        node = self.node()
        self.assertTrue(all("simulated" in device["name"] for device in node.devices()))
        sample = subprocess.run([f"{BUILD}/gpu-sample", "--library", node.cuda, "--steps", "1"], capture_output=True, text=True, check=True, timeout=60)
        self.assertIn("SIMULATOR", sample.stderr)
        self.assertIn("SIMULATOR", subprocess.run([f"{BUILD}/gpu-simulator"], capture_output=True, text=True, check=False, timeout=60).stderr)

    def test_wrong_memory_would_be_noticed(self):
        node = self.node(gpus=1)
        sample = self.sample(node, mib=1)
        worker = self.worker(node)
        self.take(worker, sample.pid)
        script = f"""
import sys
lines = [line.split() for line in open('/proc/{sample.pid}/maps')]
for line in lines:
    low, high = (int(part, 16) for part in line[0].split('-'))
    if line[1] == 'rw-p' and len(line) == 5 and high - low == 2 << 20 and low != 0x6f0000000000:
        with open('/proc/{sample.pid}/mem', 'r+b', buffering=0) as memory:
            memory.seek(low)
            memory.write(b'x' * 4096)
"""
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
        self.assertEqual(worker.code("restore", sample.pid, "-"), 0)
        # It may have noticed, and ended, before it has answered: then the outcome is unknown (999).
        self.assertIn(worker.code("unlock", sample.pid), (0, 999))
        self.assertEqual(sample.process.wait(PATIENCE), 3)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit(77)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    unittest.main()
