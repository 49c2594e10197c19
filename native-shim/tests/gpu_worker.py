"""A conversation with checkpointer-gpu, for its own tests and those of the simulated driver."""
import os
import subprocess

IDENTITY = "7"


def start_time(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[19]


class Worker:
    """`checkpointer-gpu serve` on one library of the driver, with these environment variables besides ours."""

    def __init__(self, program, library, **environment):
        self.process = subprocess.Popen([program, "serve", "--cuda-library", library], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env={**os.environ, **environment}, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def ask(self, text, deadline=60000):
        """The lines of the answer, without the request's id."""
        self.process.stdin.write(f"{IDENTITY} {deadline} {text}\n")
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError("the worker ended")
            identity, _, rest = line.rstrip("\n").partition(" ")
            if identity != IDENTITY:
                raise AssertionError(line)
            lines.append(rest)
            if not rest.startswith("item "):
                return lines

    def on(self, pid, verb, argument="", deadline=60000):
        """The answer to a request on a process."""
        return self.ask(f"{verb} {pid} {start_time(pid)} {argument}".rstrip(), deadline)[-1]
