#!/usr/bin/env python3
"""A job that notices when it is hurt. Standard library only; knows nothing of checkpoints.

    counter.py DIR [--size MIB] [--seed N] [--workers N]

A process tree: this root, N workers (and the resource tracker that Python starts for shared memory). It has threads,
a listening and a connected loopback socket, pipes, shared memory, an interval timer, open files and SIZE MiB of memory
with seeded content: half random, a quarter zeros that were written, a quarter program code.

It counts twenty times a second. Every count is appended to DIR/count.log, so a count that is lost or made twice shows.
Each worker checks a part of its memory at every count and sends its own count over a pipe; worker 0 also plays ping-pong
with the root over TCP. DIR/status holds one JSON object (padded, rewritten in place).

On its TCP port (in the status) it answers lines: 'status', 'verify' (checks all memory now), 'stop' (ends with code 42).
"""
import argparse
import json
import mmap
import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import time
import zlib
from multiprocessing import shared_memory

RUN = 64 << 10             # bytes of one kind of content
TICK = 0.05                # seconds between two counts
CHECKED_PER_TICK = 4 << 20  # bytes that a worker checks at each count
STATUS_SIZE = 4096
SHARED_SIZE = 8 << 20
STOP_CODE = 42


def code_bytes():
    """Program code, to be cut into runs: this interpreter and what it has mapped."""
    names = {line.split()[-1] for line in open("/proc/self/maps") if line.rstrip().endswith((".so", ".so.6")) or "python" in line}
    data = b"".join(open(name, "rb").read(8 << 20) for name in sorted(names) if name.startswith("/") and os.path.isfile(name))
    return data if len(data) > 4 * RUN else os.urandom(4 * RUN)


class Memory:
    """SIZE bytes in runs of 64 KiB, and the checksum that every run must have."""

    def __init__(self, size, seed):
        source = random.Random(seed)
        code = code_bytes()
        self.runs = max(1, size // RUN)
        self.map = mmap.mmap(-1, self.runs * RUN)
        self.view = memoryview(self.map)
        self.sums = []
        self.next = 0
        self.passes = 0
        self.errors = 0
        zeros = bytes(RUN)
        for run in range(self.runs):
            kind = run % 4
            if kind < 2:
                data = source.randbytes(RUN)
            elif kind == 2:
                data = zeros
            else:
                start = source.randrange(0, len(code) - RUN)
                data = code[start:start + RUN]
            self.view[run * RUN:(run + 1) * RUN] = data
            self.sums.append(zlib.crc32(data))

    def check_run(self, run):
        if zlib.crc32(self.view[run * RUN:(run + 1) * RUN]) != self.sums[run]:
            self.errors += 1
            return False
        return True

    def check_some(self):
        for _ in range(min(self.runs, CHECKED_PER_TICK // RUN)):
            self.check_run(self.next)
            self.next += 1
            if self.next == self.runs:
                self.next = 0
                self.passes += 1

    def check_all(self):
        return sum(1 for run in range(self.runs) if not self.check_run(run))

    def digest(self):
        digest = 0
        for run in range(self.runs):
            digest = zlib.crc32(self.view[run * RUN:(run + 1) * RUN], digest)
        return digest


REPORT = struct.Struct("<QQQQIQ")  # count, passes, errors, answered requests, digest, pings


def worker(index, size, seed, commands, reports, port, shared_name):
    """One child: memory, a checking thread and a counting thread, pipes to the root, and a TCP connection for number 0."""
    memory = Memory(size, seed)
    shared = shared_memory.SharedMemory(shared_name)
    state = {"answered": 0, "digest": memory.digest(), "pings": 0, "bad": 0}

    def checker():
        while True:
            memory.check_some()
            time.sleep(TICK)

    def pinger():
        link = socket.create_connection(("127.0.0.1", port))
        link.sendall(b"worker\n")
        while True:
            sent = struct.pack("<Q", state["pings"])
            link.sendall(sent)
            got = b""
            while len(got) < 8:
                more = link.recv(8 - len(got))
                if not more:
                    os._exit(3)
                got += more
            if got != sent:
                state["bad"] += 1
            state["pings"] += 1
            time.sleep(TICK)

    threading.Thread(target=checker, daemon=True).start()
    if index == 0:
        threading.Thread(target=pinger, daemon=True).start()
    count = 0
    while True:
        ready, _, _ = select.select([commands], [], [], TICK)
        if ready:
            if not os.read(commands, 1):
                os._exit(0)  # the root is gone
            state["bad"] += memory.check_all()
            state["digest"] = memory.digest()
            state["answered"] += 1
        count += 1
        struct.pack_into("<Q", shared.buf, 64 + 8 * index, count)
        os.write(reports, REPORT.pack(count, memory.passes, memory.errors + state["bad"], state["answered"], state["digest"], state["pings"]))


class Root:
    def __init__(self, options):
        self.directory = options.dir
        self.status_file = os.open(os.path.join(options.dir, "status"), os.O_RDWR | os.O_CREAT, 0o600)
        self.log = os.open(os.path.join(options.dir, "count.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.count = 0
        self.errors = 0
        self.alarms = 0
        self.longest_gap = 0.0
        self.lock = threading.Lock()
        self.random = random.Random(options.seed)
        self.shared = shared_memory.SharedMemory("counter-%d" % os.getpid(), create=True, size=SHARED_SIZE)
        self.shared.buf[4096:SHARED_SIZE] = self.random.randbytes(SHARED_SIZE - 4096)
        self.shared_sum = zlib.crc32(self.shared.buf[4096:SHARED_SIZE])
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        self.workers = []
        self.start_workers(options)

    def start_workers(self, options):
        size = (options.size << 20) // options.workers
        for index in range(options.workers):
            command_read, command_write = os.pipe()
            report_read, report_write = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(command_write)
                os.close(report_read)
                self.listener.close()
                for other in self.workers:
                    os.close(other["commands"])
                    os.close(other["reports"])
                try:
                    worker(index, size, options.seed + 1 + index, command_read, report_write, self.port, self.shared.name)
                finally:
                    os._exit(4)
            os.close(command_read)
            os.close(report_write)
            self.workers.append({"pid": pid, "commands": command_write, "reports": report_read, "last": (0, 0, 0, 0, 0, 0), "expected": None})

    def status(self):
        with self.lock:
            return {
                "pid": os.getpid(), "count": self.count, "port": self.port, "errors": self.errors + sum(w["last"][2] for w in self.workers),
                "alarms": self.alarms, "longestGap": round(self.longest_gap, 3), "pings": self.workers[0]["last"][5],
                "workers": [{"pid": w["pid"], "count": w["last"][0], "passes": w["last"][1]} for w in self.workers],
                "digest": "-".join("%08x" % w["last"][4] for w in self.workers), "shared": "%08x" % self.shared_sum,
            }

    def publish(self):
        text = json.dumps(self.status()).encode()
        os.pwrite(self.status_file, text.ljust(STATUS_SIZE - 1) + b"\n", 0)

    def verify(self):
        """Every byte, now: asks each worker, waits for the answer, and checks the shared memory itself."""
        wanted = []
        with self.lock:
            for w in self.workers:
                wanted.append(w["last"][3] + 1)
                os.write(w["commands"], b"v")
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            with self.lock:
                if all(w["last"][3] >= n for w, n in zip(self.workers, wanted)):
                    break
            time.sleep(TICK)
        else:
            with self.lock:
                self.errors += 1
        return dict(self.status(), verified=True)

    def serve(self, link):
        with link, link.makefile("rb") as lines:
            for line in lines:
                word = line.strip().decode("ascii", "replace")
                if word == "worker":
                    self.echo(link, lines)
                    return
                if word == "stop":
                    link.sendall(b"stopping\n")
                    self.stop()
                answer = {"status": self.status, "verify": self.verify}.get(word)
                reply = answer() if answer else {"error": "unknown request"}
                link.sendall(json.dumps(reply).encode() + b"\n")

    def echo(self, link, lines):
        while True:
            data = lines.read(8)
            if len(data) < 8:
                return
            link.sendall(data)

    def accept(self):
        while True:
            link, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def stop(self):
        for w in self.workers:
            os.kill(w["pid"], signal.SIGKILL)
        try:
            self.shared.unlink()
        finally:
            os._exit(STOP_CODE)

    def read_reports(self):
        ready, _, _ = select.select([w["reports"] for w in self.workers], [], [], TICK)
        for w in self.workers:
            if w["reports"] in ready:
                data = os.read(w["reports"], REPORT.size * 256)
                if not data:
                    self.errors += 1
                    continue
                for start in range(0, len(data) - REPORT.size + 1, REPORT.size):
                    report = REPORT.unpack_from(data, start)
                    with self.lock:
                        if report[0] != w["last"][0] + 1:
                            self.errors += 1  # a report that was lost or came twice
                        w["last"] = report

    def alarm(self, _signal, _frame):
        self.alarms += 1

    def run(self):
        signal.signal(signal.SIGALRM, self.alarm)
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
        threading.Thread(target=self.accept, daemon=True).start()
        while any(w["last"][0] == 0 for w in self.workers):
            self.read_reports()
        last = time.time()  # a restore may give the process a monotonic clock that stood still
        while True:
            self.read_reports()
            time.sleep(TICK)
            now = time.time()
            with self.lock:
                self.longest_gap = max(self.longest_gap, now - last)
                self.count += 1
                if zlib.crc32(self.shared.buf[4096:SHARED_SIZE]) != self.shared_sum:
                    self.errors += 1
                struct.pack_into("<Q", self.shared.buf, 0, self.count)
            last = now
            os.write(self.log, b"%d\n" % self.count)
            self.publish()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("dir")
    parser.add_argument("--size", type=int, default=64, help="MiB of memory in all workers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    Root(parser.parse_args()).run()
