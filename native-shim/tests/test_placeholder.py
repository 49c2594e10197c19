"""A container goes on in another one, with the real CRIU: dumped from outside, restored by `restore --into`.

What is external and what CRIU is told is what docs/native.md says under "Containers and CRIU".
"""

import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

from container import Container, cgroup_folders
from holding import Door
from support import PATIENCE, PREFIX, Owner, children_of, descendants_of, eventually, find_criu, is_alive, main, read, require_root, skip_all

CRIU = find_criu()
KINDS = "-pufgisldtc"  # contained_more.c
FILES = ["/tmp/file", "/data/file", "/var/file", "/dev/shm/file"]
TREES = ["/tmp", "/data", "/dev/shm"]


def counts(text):
    return [int(number) for number in re.findall(r"^count (\d+)\n", text, re.MULTILINE)]


def picture(pid, base):
    """The mounts of a process as it sees them, without what differs between two equal containers."""
    lines = []
    for line in read(f"/proc/{pid}/mountinfo").splitlines():
        fields = line.split()
        lines.append(" ".join(fields[3:6] + fields[fields.index("-") + 1:]).replace(os.path.basename(base), "BASE"))
    return sorted(line for line in lines if " /checkpointer-init " not in line)


def copy(source, target):
    """A tree or a file, without what is mounted below."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
        source, target = f"{source}/.", f"{target}/"
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
    subprocess.run(["cp", "-ax", source, target], check=True)


class Snapshot:
    """A dump in a directory, and the contents of the mounts that were not CRIU's. The workload stands still afterwards."""

    def __init__(self, directory, container, pid):
        self.directory = directory
        os.mkdir(directory)
        for name in ("images", "tree", "libdir"):
            os.mkdir(f"{directory}/{name}")
        # All but the mounts of proc, whose content belongs to the pid namespace that CRIU makes.
        self.points = [point for point, _, kind in container.mounts(pid) if kind != "proc"]
        self.picture = picture(pid, container.base)
        self.keys = {}
        self.terminal = None
        self.find_streams(pid)
        command = [*self.common("dump"), "-o", "dump.log", "-t", str(pid), "--leave-stopped",
                   "--external", f"net[{container.namespace('net')}]:extnet"]
        for point in self.points:
            command += ["--external", f"mnt[{point}]:{point}"]
        if self.terminal is not None:
            command += ["--external", self.terminal]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr + read(f"{directory}/images/dump.log")[-6000:])
        for tree in TREES:
            copy(f"/proc/{pid}/root{tree}", f"{directory}/tree{tree}")
        if os.path.exists(f"/proc/{pid}/root/var/file"):
            copy(f"/proc/{pid}/root/var/file", f"{directory}/tree/var/file")

    def find_streams(self, pid):
        """What the placeholder's own streams take the place of: --map arguments without the path of the descriptor's directory."""
        found = os.stat(f"/proc/{pid}/fd/1")
        if stat.S_ISCHR(found.st_mode):
            self.terminal = f"tty[{found.st_rdev:x}:{found.st_dev:x}]"
            self.keys[1] = f"{self.terminal}=file-rw"
        else:
            for number in (1, 2):
                self.keys[number] = os.readlink(f"/proc/{pid}/fd/{number}") + "=file-w"

    def common(self, verb):
        return [CRIU, verb, "--no-default-config", "--libdir", f"{self.directory}/libdir", "-D", f"{self.directory}/images", "-v4",
                "--manage-cgroups=ignore", "--network-lock", "nftables", "--file-locks", "--tcp-established"]


class Placeholder(unittest.TestCase):
    def setUp(self):
        # Not in /tmp: CRIU then has one of its own.
        self.directory = tempfile.mkdtemp(prefix=f"{PREFIX}placeholder-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.directory)

    def container(self, name, *command, **options):
        container = Container(os.path.join(self.directory, f"{os.path.basename(self.directory)}-{name}"), name, *command, **options)
        self.addCleanup(container.stop)
        return container

    def workload(self, name="source", kinds=KINDS, files=FILES, **options):
        container = self.container(name, "/bin/contained", kinds, *files, **options)
        for number in range(3):
            line = container.process.stdout.readline()
            self.assertEqual(f"count {number}\n".encode(), line, container.process.stderr.read() if line == b"" else "")
        container.last = number
        return container

    def snapshot(self, container, pid=None):
        """The snapshot, and the last number that the workload has said."""
        snapshot = Snapshot(os.path.join(self.directory, f"snapshot-{len(os.listdir(self.directory))}"), container, pid or container.pid)
        container.process.terminate()
        # Frozen before it said the next one, it has said what was read already.
        said = counts(container.process.stdout.read().decode())
        return snapshot, max(said, default=container.last)

    def placeholder(self, name, *command, **options):
        container = self.container(name, "/checkpointer-init", "hold", *command, **options)
        eventually("hold waits", lambda: read(f"/proc/{container.pid}/comm") == "ckpt-waiting\n")
        return container

    def owner(self, snapshot, placeholder, extra=()):
        """Brings the trees over, and an owner that is ready to start."""
        for tree in TREES:
            copy(f"{snapshot.directory}/tree{tree}", f"/proc/{placeholder.pid}/root{tree}")
        if os.path.exists(f"{snapshot.directory}/tree/var/file"):
            copy(f"{snapshot.directory}/tree/var/file", f"/proc/{placeholder.pid}/root/var/file")
        stage = f"{placeholder.base}/stage"
        state = tempfile.mkdtemp(prefix="state-", dir=self.directory)
        os.makedirs(stage, exist_ok=True)
        options = ["--into", str(placeholder.pid), "--stage", stage, "--take", "/=root",
                   "--map", f"extnet=file-r:/proc/{placeholder.pid}/ns/net"]
        command = [*snapshot.common("restore"), "-o", f"{state}/restore.log", "-d", "--pidfile", f"{state}/restored.pid",
                   "--root", f"{stage}/root", "--join-ns", "ipc:/proc/1/ns/ipc", "--join-ns", "uts:/proc/1/ns/uts", *extra]
        for number, key in snapshot.keys.items():
            options += ["--map", f"{key}:/proc/{placeholder.pid}/fd/{number}"]
        for index, point in enumerate(snapshot.points):
            options += ["--take", f"{point}=m{index}"]
            command += ["--external", f"mnt[{point}]:{stage}/m{index}"]
        for folder in cgroup_folders(placeholder.base):
            options += ["--cgroup-procs", f"{folder}/cgroup.procs"]
        return Owner(self, *options, command=command, state=state)

    def restore(self, snapshot, placeholder):
        """The root's pid, here."""
        owner = self.owner(snapshot, placeholder)
        client, _ = owner.start(self)
        client.close()
        owner.wait_gone()
        self.assertEqual("", read(owner.file("init.log")))
        self.assertEqual("ckpt-running\n", read(f"/proc/{placeholder.pid}/comm"))
        return children_of(placeholder.pid)[0]

    def see_it_count_on(self, container, last):
        for number in range(last + 1, last + 6):
            line = container.process.stdout.readline()
            self.assertEqual(f"count {number}\n".encode(), line, container.process.stderr.read() if line == b"" else "")
        container.last = last + 5

    def end(self, container, number=signal.SIGTERM):
        os.kill(container.pid, number)
        return container.process.wait(PATIENCE)

    def leftovers(self):
        return {name for name in os.listdir("/tmp") if "criu" in name}

    def see_nothing_left(self, before):
        """Other CRIUs of this machine make such directories, too, and remove them at their end: what stays would be ours."""
        new = self.leftovers() - before
        eventually("what CRIU made in /tmp is gone", lambda: not new & self.leftovers(), 120)

    def test_it_goes_on_and_on(self):
        before = self.leftovers()
        first, last = self.snapshot(self.workload())
        second = self.placeholder("second")
        root = self.restore(first, second)
        self.see_it_count_on(second, last)
        self.assertEqual(first.picture, picture(root, second.base))
        mounts = {line.split()[4]: line.split()[2] for line in read(f"/proc/{second.pid}/mountinfo").splitlines()}
        for line in read(f"/proc/{root}/mountinfo").splitlines():
            number, point, kind = line.split()[2], line.split()[4], line.split(" - ")[1].split()[0]
            self.assertEqual(kind != "proc", mounts[point] == number, f"{point}: what an exec sees is what the workload sees")
        for name, same in (("net", True), ("ipc", True), ("uts", True), ("cgroup", True), ("mnt", False), ("pid", False)):
            self.assertEqual(same, os.readlink(f"/proc/{root}/ns/{name}") == os.readlink(f"/proc/{second.pid}/ns/{name}"), name)
        self.assertEqual(read(f"/proc/{second.pid}/cgroup"), read(f"/proc/{root}/cgroup"))
        self.assertEqual("second", self.host_name(second))
        self.assertEqual(["1"], read(f"/proc/{root}/status").partition("NSpid:")[2].splitlines()[0].split()[-1:])
        # What was restored is dumped and restored like the first one.
        again, last = self.snapshot(second, root)
        third = self.placeholder("third")
        self.assertEqual(first.picture, picture(self.restore(again, third), third.base))
        self.see_it_count_on(third, last)
        self.assertEqual("third", self.host_name(third))
        os.kill(third.pid, signal.SIGUSR1)
        eventually("the signal arrives", lambda: third.process.stdout.readline() == b"signal 10\n")
        self.assertEqual(42, self.end(third))
        self.see_nothing_left(before)

    def host_name(self, container):
        return subprocess.run(["nsenter", "-t", str(container.pid), "-u", "hostname"], capture_output=True, text=True,
                              check=True).stdout.strip()

    def test_a_terminal_is_the_placeholders(self):
        snapshot, last = self.snapshot(self.workload("tty-a", terminal=True))
        self.assertIn("/dev/console", snapshot.points)
        placeholder = self.placeholder("tty-b", terminal=True)
        self.assertEqual(b"checkpointer-init: waiting for a restore, for up to 600 s\n", placeholder.process.stdout.readline())
        root = self.restore(snapshot, placeholder)
        self.see_it_count_on(placeholder, last)
        self.assertEqual(snapshot.picture, picture(root, placeholder.base))
        self.assertEqual(os.stat(f"/proc/{placeholder.pid}/fd/1"), os.stat(f"/proc/{root}/fd/0"))
        self.assertEqual(42, self.end(placeholder))

    def test_mounts_that_get_ours_and_a_root_that_cannot_be_written(self):
        for option in ("slave", "read_only"):
            with self.subTest(option=option):
                files = FILES if option == "slave" else [file for file in FILES if file != "/var/file"]
                snapshot, last = self.snapshot(self.workload(f"{option}-a", "-pufisldtc", files, **{option: True}))
                placeholder = self.placeholder(f"{option}-b", **{option: True})
                root = self.restore(snapshot, placeholder)
                self.see_it_count_on(placeholder, last)
                self.assertEqual(snapshot.picture, picture(root, placeholder.base))
                self.assertEqual(42, self.end(placeholder))

    def test_killing_hold_kills_everything(self):
        snapshot, last = self.snapshot(self.workload())
        placeholder = self.placeholder("killed")
        self.restore(snapshot, placeholder)
        self.see_it_count_on(placeholder, last)
        tree = descendants_of(placeholder.pid)
        self.assertEqual(2, len(tree))
        self.assertEqual(128 + 9, self.end(placeholder, signal.SIGKILL))
        self.assertFalse(any(is_alive(pid) for pid in tree))

    def test_a_restore_that_is_killed_or_abandoned_leaves_nothing(self):
        before = self.leftovers()
        # Without System V memory: a killed CRIU leaves it in the namespace that it has joined, and the next restore fails on it. The
        # engine gives a workload that uses such memory an IPC namespace of its own.
        snapshot, last = self.snapshot(self.workload(kinds=KINDS.replace("s", "")))
        images = f"{snapshot.directory}/images"
        pages = next(f"{images}/{name}" for name in os.listdir(images) if name.startswith("pages-"))
        shutil.copy(pages, f"{snapshot.directory}/pages")
        os.truncate(pages, 4096)  # CRIU's restorer reads for ever at this end of file
        placeholder = self.placeholder("abandoned")
        for way in ("abandon", "kill", "abandon"):
            owner = self.owner(snapshot, placeholder)
            client = owner.connect()
            client.send("start")
            criu = eventually("CRIU is there", lambda: children_of(owner.pid))[0]
            tree = eventually("CRIU has built something", lambda: len(descendants_of(criu)) >= 2 and [criu, *descendants_of(criu)])
            if way == "abandon":
                owner.connect().send("abandon")
            else:
                os.kill(criu, signal.SIGKILL)
            self.assertEqual("criu 137", client.line())
            self.assertEqual("ckpt-waiting\n", read(f"/proc/{placeholder.pid}/comm"))
            self.assertEqual([], descendants_of(placeholder.pid))
            self.assertFalse(any(is_alive(pid) for pid in tree))
            self.assertIsNone(client.line())
            owner.wait_gone()
            self.assertNotIn(placeholder.base + "/stage", read("/proc/mounts"))
        self.see_nothing_left(before)
        self.assertTrue(Door(self, placeholder.pid).ask("status").startswith("ok waiting "))
        shutil.copy(f"{snapshot.directory}/pages", pages)
        self.restore(snapshot, placeholder)
        self.see_it_count_on(placeholder, last)
        self.assertEqual(42, self.end(placeholder))


if __name__ == "__main__":
    require_root()
    if CRIU is None:
        skip_all("no CRIU")
    main()
