"""checkpointer-init's control socket: many clients, hostile ones, and those that never read."""

import os
import socket
import stat
import unittest

from support import Gate, Owner, eventually, is_alive, main, require_root


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class ControlSocket(unittest.TestCase):
    def test_the_socket_is_closed_to_others(self):
        owner = Owner(self)
        self.assertEqual(0o600, stat.S_IMODE(os.stat(owner.file("init.sock")).st_mode))

    def test_the_peer_of_the_socket_is_the_owner(self):
        for mode in ([], ["--pid-namespace"]):
            owner = Owner(self, *mode)
            credentials = owner.connect().socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            self.assertEqual(owner.pid, int.from_bytes(credentials[:4], "little"))

    def test_another_user_is_refused(self):
        owner = Owner(self)
        os.chmod(owner.state, 0o711)
        os.chmod(owner.file("init.sock"), 0o666)
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            client = owner.connect()
            answer = client.line()
            os._exit(0 if answer == "error not permitted" and client.line() is None else 1)
        self.assertEqual(0, os.waitpid(child, 0)[1])
        self.assertEqual("status waiting", owner.connect().ask("status"))

    def test_hostile_lines_get_an_answer_and_nothing_else(self):
        owner = Owner(self)
        client = owner.connect()
        for line in ("", " ", "START", "start ", "signal", "status\r", "\0", "start\0", "x" * 254, "\u20ac", "%n%s"):
            self.assertEqual("error unknown command", client.ask(line), repr(line))
        for number in ("", "0", "-1", "65", "1e3", "99999999999999999999999", "15x", " 15", "15 "):
            self.assertEqual("error not a signal number", client.ask(f"signal {number}"), number)
        self.assertEqual("error no root to signal", client.ask("signal 15"))
        self.assertEqual("status waiting", client.ask("status"))

    def test_an_endless_line_is_cut_off(self):
        owner = Owner(self)
        for size in (256, 4096, 1 << 20):
            client = owner.connect()
            try:
                client.socket.sendall(b"x" * size)
            except OSError:
                pass
            self.assertIn(client.line(), ("error line too long", None))
            self.assertIsNone(client.line())
        self.assertEqual("status waiting", owner.connect().ask("status"))

    def test_commands_may_come_in_pieces_or_all_at_once(self):
        owner = Owner(self)
        client = owner.connect()
        for byte in b"status\n":
            client.socket.sendall(bytes([byte]))
        self.assertEqual("status waiting", client.line())
        client.socket.sendall(b"status\nfoo\nstatus\n")
        self.assertEqual(["status waiting", "error unknown command", "status waiting"], [client.line() for _ in range(3)])

    def test_a_client_that_never_reads_is_dropped_and_hurts_nobody(self):
        owner = Owner(self)
        deaf = owner.connect()
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):  # its descriptor is closed
            for _ in range(100000):
                deaf.socket.sendall(b"status\n" * 100)
        self.assertEqual("status waiting", owner.connect().ask("status"))

    def test_more_clients_than_slots_push_the_idle_ones_out(self):
        owner = Owner(self, fake=["--root", "await;exit:5"])
        starter, _ = owner.start(self)
        waiter = owner.connect()
        waiter.send("wait")
        self.assertRegex(waiter.ask("status"), "^status running")  # so: the line before was taken
        crowd = [owner.connect() for _ in range(200)]
        self.assertEqual("status running", crowd[-1].ask("status").rpartition(" ")[0])
        self.assertLess(descriptors(owner.pid), 64 + 32)
        starter.send("signal 10")
        self.assertEqual("ok", starter.line())
        self.assertEqual("exited 5", starter.line())
        self.assertEqual("exited 5", waiter.line())

    def test_when_all_slots_wait_a_new_client_is_told(self):
        owner = Owner(self)
        waiters = [owner.connect() for _ in range(64)]
        for waiter in waiters:
            waiter.send("wait")
            self.assertEqual("status waiting", waiter.ask("status"))  # so: the line before was taken
        eventually("the owner refuses", lambda: self.first_line(owner) == "error too many clients")
        waiters[0].close()
        eventually("a slot is free again", lambda: self.first_line(owner) == "status waiting")

    @staticmethod
    def first_line(owner):
        client = owner.connect()
        try:
            return client.ask("status")
        except BrokenPipeError:
            return client.line()
        finally:
            client.close()

    def test_who_only_stops_sending_still_hears_the_end(self):
        owner = Owner(self, fake=["--root", "await;exit:6"])
        starter, _ = owner.start(self)
        waiter = owner.connect()
        waiter.send("wait")
        waiter.socket.shutdown(socket.SHUT_WR)
        asker = owner.connect()
        asker.send("status")
        asker.socket.shutdown(socket.SHUT_WR)
        self.assertRegex(asker.line(), "^status running")
        self.assertIsNone(asker.line())
        starter.send("signal 10")
        self.assertEqual("exited 6", waiter.line())

    def test_clients_that_go_leave_no_descriptor(self):
        owner = Owner(self)
        self.assertEqual("status waiting", owner.connect().ask("status"))  # so: the launcher's pipe is closed
        before = descriptors(owner.pid)  # with this one's, who stays
        for command in ("status", "wait", "nonsense"):
            for _ in range(20):
                client = owner.connect()
                client.send(command)
                client.close()
        eventually("all are closed", lambda: descriptors(owner.pid) == before)

    def test_start_is_taken_once(self):
        owner = Owner(self, fake=["--root", "sleep:600"])
        owner.start(self)
        self.assertEqual("error already started", owner.connect().ask("start"))
        self.assertTrue(is_alive(owner.pid))

    def test_a_starter_that_goes_does_not_end_the_tree(self):
        gate = Gate(self)
        owner = Owner(self, fake=["--criu", f"until:{gate.path}", "--root", "sleep:600"])
        client = owner.connect()
        client.send("start")
        eventually("it is on its way", lambda: os.path.exists(owner.file("restored.pid")))
        client.close()
        self.assertEqual("status restoring", owner.connect().ask("status"))
        gate.open()
        eventually("the tree runs", lambda: owner.connect().ask("status").startswith("status running"))


if __name__ == "__main__":
    require_root()
    main()
