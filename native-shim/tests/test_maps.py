"""checkpointer-init --map: what takes the place of the ends that lay outside of the tree."""

import os
import platform
import resource
import shutil
import subprocess
import tempfile
import unittest

from support import PREFIX, Owner, children_of, eventually, is_alive, main, read, require_root

SIGTIMEDWAIT = "137 " if platform.machine() == "aarch64" else "128 "  # the number of rt_sigtimedwait


class Maps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix=f"{PREFIX}maps-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def refused(self, *options, **more):
        owner = Owner(self, *options, expect_ready=False, **more)
        self.assertEqual(1, owner.launched.returncode)
        self.assertEqual("", owner.launched.stdout)
        self.assertRegex(owner.launched.stderr, r"\Acheckpointer-init: [^\n]+\n\Z")
        return owner.launched.stderr

    def test_all_logs_share_one_pipe_in_the_order_of_writing(self):
        lines = ";".join(f"write:{number}" for number in range(100))
        owner = Owner(self, "--map", "pipe:[1]=log", "--map", "pipe:[2]=log", fake=["--root", f"{lines};exit:0"])
        client, _ = owner.start(self)
        self.assertEqual("exited 0", client.line())
        self.assertEqual("".join(f"{number}\n" for number in range(100)), owner.output())

    def test_the_log_is_whole_when_the_end_is_told(self):
        owner = Owner(self, "--map", "pipe:[1]=log", fake=["--root", "fill:3000000;exit:0"])
        client, _ = owner.start(self)
        self.assertEqual("exited 0", client.line())
        self.assertEqual(3000000, os.path.getsize(owner.file("output.log")))

    def test_a_full_log_is_put_aside_at_the_end_of_a_line_and_only_one_is_kept(self):
        most = 64 * 1024 * 1024
        owner = Owner(self, "--map", "pipe:[1]=log", fake=["--root", f"fill:{2 * most + most // 2};write:the end;exit:0"])
        client, _ = owner.start(self)
        client.socket.settimeout(180)  # 160 MiB through a pipe, on a machine under load
        self.assertEqual("exited 0", client.line())
        names = [name for name in os.listdir(owner.state) if name.startswith("output.log")]
        self.assertEqual(["output.log", "output.log.1"], sorted(names))
        older, current = os.path.getsize(owner.file("output.log.1")), os.path.getsize(owner.file("output.log"))
        self.assertTrue(most - 65536 <= older <= most + 65536, older)
        self.assertTrue(0 < current <= most, current)
        with open(owner.file("output.log.1"), "rb") as file:
            file.seek(-16, os.SEEK_END)
            self.assertEqual(b"0123456789abcde\n", file.read())
        with open(owner.file("output.log"), "rb") as file:
            self.assertEqual(b"0123456789abcde\n", file.read(16))
            file.seek(-8, os.SEEK_END)
            self.assertEqual(b"the end\n", file.read())
        for name in names:
            self.assertEqual(0o600, os.stat(owner.file(name)).st_mode & 0o777)

    def test_a_log_that_an_earlier_owner_filled_counts(self):
        folder = tempfile.mkdtemp(prefix="shim-state-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        with open(os.path.join(folder, "output.log"), "wb") as file:
            file.truncate(64 * 1024 * 1024)
        owner = Owner(self, "--map", "pipe:[1]=log", state=folder, fake=["--root", "write:first;write:second;exit:0"])
        client, _ = owner.start(self)
        self.assertEqual("exited 0", client.line())
        self.assertGreaterEqual(os.path.getsize(owner.file("output.log.1")), 64 * 1024 * 1024)
        self.assertIn("second\n", owner.output() + read(owner.file("output.log.1"))[-16:])

    def test_a_pty_is_drained_too(self):
        owner = Owner(self, "--map", "tty[8800:2d]=pty", "--map", "tty[8801:2d]=pty", fake=["--root", "fill:300000;write:hi;exit:0"])
        client, _ = owner.start(self)
        self.assertEqual("exited 0", client.line())
        self.assertEqual(300003, os.path.getsize(owner.file("output.log")))

    def test_files_are_appended_to(self):
        with open(self.path("out"), "w", encoding="ascii") as file:
            file.write("before\n")
        owner = Owner(self, "--map", f"pipe:[1]=file-w:{self.path('out')}", "--map", "file[7:8]=file-r:/dev/null",
                      fake=["--root", "write:after;exit:0"])
        client, _ = owner.start(self)
        client.line()
        self.assertEqual("before\nafter\n", read(self.path("out")))

    def test_a_terminal_can_be_read_and_written(self):
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        owner = Owner(self, "--map", f"tty[8800:2d]=file-rw:{os.ttyname(slave)}", fake=["--root", "write:hello;exit:0"])
        client, _ = owner.start(self)
        client.line()
        seen = b""
        while not seen.endswith(b"\n"):
            seen += os.read(master, 100)
        self.assertEqual(b"hello\r\n", seen)
        os.close(slave)

    def test_a_new_file_is_private(self):
        Owner(self, "--map", f"pipe:[1]=file-w:{self.path('new')}")
        self.assertEqual(0o600, os.stat(self.path("new")).st_mode & 0o777)

    def test_a_descriptor_of_the_launcher_is_passed_and_not_kept(self):
        reader, writer = os.pipe()
        stray = os.dup(writer)
        owner = Owner(self, "--map", f"socket:[5]=fd:{writer}", pass_fds=[writer, stray], fake=["--root", "write:through;exit:0"])
        os.close(writer)
        os.close(stray)
        owner.start(self)
        with os.fdopen(reader, "rb") as file:
            self.assertEqual(b"through\n", file.read())  # and the end: nobody but the tree had it

    def test_the_launchers_own_output_can_be_inherited(self):
        with open(self.path("out"), "w+", encoding="ascii") as file:
            owner = Owner(self, "--map", "pipe:[1]=fd:1", expect_ready=False, stdout=file, fake=["--root", "write:hello;exit:0"])
            self.assertEqual(0, owner.launched.returncode)
            client, _ = owner.start(self)
            self.assertEqual("exited 0", client.line())
            self.assertRegex(read(self.path("out")), r"\Aready \d+\nhello\n\Z")

    def test_the_owner_keeps_no_descriptor_of_its_launcher(self):
        reader, writer = os.pipe()
        high = os.dup2(writer, 500)
        owner = Owner(self, pass_fds=[writer, high])
        os.close(writer)
        os.close(high)
        with os.fdopen(reader, "rb") as file:
            self.assertEqual(b"", file.read())
        self.assertTrue(is_alive(owner.pid))
        self.assertEqual("/dev/null", os.readlink(f"/proc/{owner.pid}/fd/0"))
        self.assertEqual(owner.file("init.log"), os.readlink(f"/proc/{owner.pid}/fd/1"))
        self.assertEqual(owner.file("init.log"), os.readlink(f"/proc/{owner.pid}/fd/2"))

    def test_a_fifo_without_a_reader_does_not_hang_the_launcher(self):
        os.mkfifo(self.path("fifo"))
        self.assertIn("fifo", self.refused("--map", f"pipe:[1]=file-w:{self.path('fifo')}"))
        Owner(self, "--map", f"pipe:[1]=file-r:{self.path('fifo')}")

    def test_what_cannot_be_opened_is_refused(self):
        for option in ("pipe:[1]", "=log", "pipe:[1]=", "pipe:[1]=loG", "pipe:[1]=file-r:relative", "pipe:[1]=fd:", "pipe:[1]=fd:-1",
                       "pipe:[1]=fd:99", "x" * 256 + "=log", f"pipe:[1]=file-r:{self.folder}/none", f"pipe:[1]=file-w:{self.folder}"):
            with self.subTest(option=option):
                self.refused("--map", option)
        self.refused(*[word for number in range(65) for word in ("--map", f"pipe:[{number}]=null-r")])

    def test_a_full_disk_drops_output_and_says_how_much(self):
        mount = self.path("small")
        os.mkdir(mount)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "small", mount], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", mount], check=False)
        owner = Owner(self, "--map", "pipe:[1]=log", state=mount, fake=["--root", "await;fill:2000000;await;write:back;exit:0"])
        with open(self.path("small/ballast"), "wb") as file:
            file.write(b"x" * 65536)
        client, _ = owner.start(self)
        ballast = os.path.join(mount, "ballast")
        self.assertEqual("ok", client.ask("signal 10"))
        eventually("some output is kept", lambda: owner.output())
        eventually("the root wrote everything", lambda: self.is_waiting(owner))
        # The last of it may be in the pipe yet. The owner empties that before it answers; its first answer may be to a look at the
        # descriptors that began before the root was through.
        for _ in range(2):
            self.assertRegex(client.ask("status"), "^status running")
        os.remove(ballast)
        client.send("signal 10")
        self.assertEqual("ok", client.line())
        self.assertEqual("exited 0", client.line())
        self.assertRegex(owner.output(), r"\n\[checkpointer-init: 1[0-9]{6} bytes of output dropped: No space left on device\]\nback\n\Z")
        kept = owner.output().partition("\n[checkpointer-init")[0]
        dropped = int(owner.output().rpartition("[checkpointer-init: ")[2].split()[0])
        self.assertEqual(2000000, len(kept) + dropped)

    @staticmethod
    def is_waiting(owner):
        """Whether the root has come to its `await`: it waits for SIGUSR1 (a blocked signal that sigwait unblocks inside)."""
        return any("sigtimedwait" in read(f"/proc/{root}/wchan") or read(f"/proc/{root}/syscall").startswith(SIGTIMEDWAIT)
                   for root in children_of(owner.pid))

    def test_a_file_size_limit_drops_output_too(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, resource.RLIM_INFINITY))

        owner = Owner(self, "--map", "pipe:[1]=log", preexec=limit, fake=["--root", "fill:500000;exit:0"])
        client, _ = owner.start(self)
        self.assertEqual("exited 0", client.line())
        self.assertEqual(100000, os.path.getsize(owner.file("output.log")))


if __name__ == "__main__":
    require_root()
    main()
