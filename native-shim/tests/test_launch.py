"""checkpointer-init restore: the launcher's side, and what it refuses."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from support import INIT, PREFIX, Owner, children_of, eventually, inner_pid, is_alive, main, read, require_root

SHARED = "SHIM_TEST_SHARED_MOUNTS"


def session_of(pid):
    return int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[3])


class Launch(unittest.TestCase):
    def run_init(self, *arguments, **more):
        return subprocess.run([INIT, *arguments], capture_output=True, text=True, timeout=60, check=False, **more)

    def assert_refused(self, told, *arguments, **more):
        done = self.run_init(*arguments, **more)
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertRegex(done.stderr, r"\Acheckpointer-init: [^\n]+\n\Z")
        self.assertIn(told, done.stderr)

    def make_state(self):
        state = tempfile.mkdtemp(prefix=PREFIX)
        self.addCleanup(shutil.rmtree, state, True)
        return state

    def test_wrong_usage_is_one_line_and_code_one(self):
        state = self.make_state()
        good = ["--operation", "o", "--state", state]
        command = ["--", "/bin/true", "restore"]
        for told, arguments in (
                ("--operation is missing", ["--state", state, *command]),
                ("--state is missing", ["--operation", "o", *command]),
                ("not an absolute path", ["--operation", "o", "--state", "relative", *command]),
                ("not an operation id", ["--operation", "a b", "--state", state, *command]),
                ("not an operation id", ["--operation", "x" * 65, "--state", state, *command]),
                ("unknown option", [*good, "--nonsense", *command]),
                ("unknown option", [*good, "--states", state, *command]),
                ("unknown option", [*good, "stray", *command]),
                ("needs a value", [*good, "--map"]),
                ("needs a value", [*good, "--map=", *command]),
                ("takes no value", [*good, "--pid-namespace=yes", *command]),
                ("--last-pid needs --pid-namespace", [*good, "--last-pid", "300", *command]),
                ("not a number", [*good, "--pid-namespace", "--last-pid", "0", *command]),
                ("not a number", [*good, "--deadline", "0", *command]),
                ("not a number", [*good, "--deadline", "-1", *command]),
                ("not a number", [*good, "--deadline", "1e9", *command]),
                ("no command", good),
                ("no command", [*good, "--"]),
                ("PATH is not searched", [*good, "--", "criu", "restore"]),
                ("cannot run", [*good, "--", "/nowhere/criu", "restore"]),
                ('no word "restore"', [*good, "--", "/bin/true", "dump"]),
        ):
            with self.subTest(arguments=arguments):
                self.assert_refused(told, "restore", *arguments)
        self.assertEqual([], os.listdir(state))
        done = self.run_init()
        self.assertEqual(1, done.returncode)
        self.assertIn("usage:", done.stderr)

    def test_a_foreign_or_open_state_directory_is_refused(self):
        state = self.make_state()
        arguments = ["restore", "--operation", "o", "--state", state, "--", "/bin/true", "restore"]
        for mode in (0o755, 0o710, 0o701):
            os.chmod(state, mode)
            self.assert_refused("closed to others", *arguments)
        os.chmod(state, 0o700)
        os.chown(state, 65534, 65534)
        self.assert_refused("must be ours", *arguments)
        os.chown(state, 0, 0)
        shutil.rmtree(state)
        self.assert_refused("No such file", *arguments)

    def test_links_in_the_state_directory_are_not_followed(self):
        state = self.make_state()
        for name in ("init.log", "output.log", "criu.err"):
            target = os.path.join(state, "target")
            os.symlink(target, os.path.join(state, name))
            self.assert_refused(name, "restore", "--operation", "o", "--state", state, "--", "/bin/true", "restore")
            self.assertFalse(os.path.exists(target))
            os.remove(os.path.join(state, name))

    def test_one_state_directory_has_one_owner(self):
        owner = Owner(self, fake=["--root", "exit:0"])
        again = ["restore", "--operation", "o", "--state", owner.state, "--", "/bin/true", "restore"]
        self.assert_refused("has a living owner", *again)
        self.assertEqual("status waiting", owner.connect().ask("status"))
        client, _ = owner.start(self)
        client.line()
        owner.wait_gone()
        second = Owner(self, state=owner.state, fake=["--root", "exit:1"])
        self.assertEqual("", read(second.file("exit")), "an old end is not taken for the new one's")
        client, _ = second.start(self)
        self.assertEqual("exited 1", client.line())

    def test_a_killed_owner_leaves_nothing_that_stops_the_next(self):
        owner = Owner(self)
        owner.signal(signal.SIGKILL)
        owner.wait_gone()
        self.assertTrue(os.path.exists(owner.file("init.sock")))
        second = Owner(self, state=owner.state)
        self.assertEqual("status waiting", second.connect().ask("status"))

    def test_killing_pid_one_kills_the_tree(self):
        owner = Owner(self, "--pid-namespace", fake=["--root", "spawn:600;sleep:600"])
        owner.start(self)
        root = children_of(owner.pid)[0]
        eventually("the tree is there", lambda: children_of(root))
        child = children_of(root)[0]
        owner.signal(signal.SIGKILL)
        eventually("the tree is gone", lambda: not is_alive(root) and not is_alive(child))

    def test_a_long_path_of_the_state_directory_works(self):
        base = self.make_state()
        state = os.path.join(base, *["d" * 50] * 4)
        os.makedirs(state)
        os.chmod(state, 0o700)
        owner = Owner(self, state=state)
        self.assertTrue(os.path.exists(owner.file("init.sock")))
        descriptor = os.open(state, os.O_PATH)
        self.addCleanup(os.close, descriptor)
        owner.file = lambda name: f"/proc/self/fd/{descriptor}/{name}"
        self.assertEqual("status waiting", owner.connect().ask("status"))

    def test_the_owner_has_left_its_launcher_behind(self):
        for mode in ([], ["--pid-namespace"]):
            owner = Owner(self, *mode)
            self.assertEqual("/", os.readlink(f"/proc/{owner.pid}/cwd"))
            self.assertNotEqual(session_of(os.getpid()), session_of(owner.pid))
            self.assertNotEqual(os.getpid(), int(read(f"/proc/{owner.pid}/stat").rpartition(")")[2].split()[1]))

    def test_the_namespaces_are_new_only_where_they_should_be(self):
        names = ("pid", "mnt", "net", "ipc", "uts", "user", "cgroup")
        ours = {name: os.readlink(f"/proc/self/ns/{name}") for name in names}
        for mode, different in (([], set()), (["--pid-namespace"], {"pid", "mnt"})):
            owner = Owner(self, *mode)
            theirs = {name: os.readlink(f"/proc/{owner.pid}/ns/{name}") for name in names}
            self.assertEqual(different, {name for name in names if ours[name] != theirs[name]})
        self.assertEqual(1, inner_pid(owner.pid))
        listed = [name for name in os.listdir(f"/proc/{owner.pid}/root/proc") if name.isdigit()]
        self.assertEqual(["1"], listed)

    def test_the_private_mounts_do_not_come_out_and_the_hosts_go_in(self):
        if SHARED not in os.environ:  # not every machine has a shared root mount: this one then has, and shares it with nobody else
            done = subprocess.run(["unshare", "-m", "--propagation", "private", "unshare", "-m", "--propagation", "shared", sys.executable, "-B", __file__, self.id().partition(".")[2]],
                                  env={**os.environ, SHARED: "1"}, capture_output=True, text=True, timeout=200, check=False)
            self.assertEqual(0, done.returncode, done.stderr)
            return
        folder = tempfile.mkdtemp(prefix=f"{PREFIX}mount-")
        self.addCleanup(os.rmdir, folder)
        before = read("/proc/self/mounts")
        owner = Owner(self, "--pid-namespace")
        self.assertEqual(before, read("/proc/self/mounts"))
        self.assertEqual(before.count(" /proc proc ") + 1, read(f"/proc/{owner.pid}/mounts").count(" /proc proc "))
        subprocess.run(["mount", "-t", "tmpfs", "later", folder], check=True)
        self.addCleanup(subprocess.run, ["umount", folder], check=False)
        self.assertIn(f"later {folder} ", read(f"/proc/{owner.pid}/mounts"))

    def test_cgroups_are_joined_before_anything_else(self):
        made = []
        for hierarchy in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
            if os.path.exists(f"{hierarchy}/cgroup.procs"):
                group = f"{hierarchy}/{PREFIX}test"
                os.mkdir(group)
                self.addCleanup(lambda group=group: eventually("the cgroup is empty", lambda: self.removed(group)))
                made.append(group)
        if not made:
            self.skipTest("no cgroup hierarchy can be written")
        for mode in ([], ["--pid-namespace"]):
            owner = Owner(self, *mode, *[word for group in made for word in ("--cgroup-procs", f"{group}/cgroup.procs")])
            owner.start(self)
            for pid in (owner.pid, children_of(owner.pid)[0]):
                joined = read(f"/proc/{pid}/cgroup")
                self.assertEqual(len(made), joined.count(f"/{PREFIX}test\n"), joined)
            owner.cleanup()

    @staticmethod
    def removed(group):
        try:
            os.rmdir(group)
            return True
        except OSError:
            return False

    def test_a_cgroup_that_is_not_there_is_an_error(self):
        state = self.make_state()
        self.assert_refused("cgroup.procs", "restore", "--operation", "o", "--state", state, "--cgroup-procs",
                            "/sys/fs/cgroup/none-such/cgroup.procs", "--", "/bin/true", "restore")
        self.assertFalse(os.path.exists(os.path.join(state, "init.sock")))

    def test_neither_path_nor_environment_is_needed(self):
        owner = Owner(self, fake=["--root", "exit:0"], clear_environment=True)
        client, _ = owner.start(self)
        self.assertEqual("exited 0", client.line())

    def test_closed_standard_descriptors_do_no_harm(self):
        state = self.make_state()
        script = f'exec "{INIT}" restore --operation o --state "{state}" --deadline 0.3 -- /bin/true restore <&- >&- 2>&-'
        self.assertEqual(0, subprocess.run(["/bin/sh", "-c", script], timeout=60, check=False).returncode)
        eventually("the owner came and gave up", lambda: "nobody said start" in read(os.path.join(state, "init.log")))


if __name__ == "__main__":
    require_root()
    main()
