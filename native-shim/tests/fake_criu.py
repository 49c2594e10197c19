"""Stands in for `criu restore -d`: makes a root process, writes the pid file, ends.

fake_criu.py restore [--inherit-fd fd[N]:KEY]... --pidfile FILE [--criu STEPS] [--root STEPS]

STEPS are separated by ";": write:TEXT (a line to the first inherited descriptor), fill:BYTES (the same, as fast as it
goes), sleep:SECONDS, until:PATH (that it is there), exit:CODE, kill:SIGNAL (itself), spawn:SECONDS (a child that lives so long), orphan (a grandchild
that ends at once), await (SIGUSR1), tell (say every signal that comes, for ever), detach (CRIU: no root at all), early (CRIU: wait until
the root has ended), run:COMMAND (a shell; CRIU's output), show (CRIU: say its signal mask, ignored signals, descriptors and environment).
"""

import os
import signal
import subprocess
import sys
import time


def option(name, otherwise=""):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else otherwise


def inherited():
    return [int(word[3:word.index("]")]) for word in sys.argv if word.startswith("fd[")]


def say(text):
    os.write(inherited()[0], text.encode() + b"\n")


def fill(count):
    line = b"0123456789abcde\n" * 256
    while count > 0:
        count -= os.write(inherited()[0], line[:count])


def spawn(seconds):
    if os.fork() == 0:
        time.sleep(seconds)
        os._exit(0)


def until(path):
    deadline = time.monotonic() + 300  # the test has died long since
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.02)


def orphan():
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)


def tell():
    told = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH,
            signal.SIGCONT, signal.SIGTSTP]
    signal.pthread_sigmask(signal.SIG_BLOCK, told)
    say("ready")
    while True:
        say(f"got {signal.sigwait(told).value}")


def show():
    status = open("/proc/self/status", encoding="ascii").read().splitlines()
    print(*[line for line in status if line.startswith(("SigBlk", "SigIgn"))], sep="\n")
    print("descriptors", sorted(int(name) for name in os.listdir("/proc/self/fd")))
    print("environment", os.environ.get("SHIM_TEST", ""))
    print("arguments", *sys.argv[1:])
    print("pid", os.getpid(), "session", os.getsid(0), flush=True)


def run(steps, root=0):
    for step in filter(None, steps.split(";")):
        word, _, value = step.partition(":")
        if word == "write":
            say(value)
        elif word == "fill":
            fill(int(value))
        elif word == "sleep":
            time.sleep(float(value))
        elif word == "until":
            until(value)
        elif word == "exit":
            os._exit(int(value))
        elif word == "kill":
            os.kill(os.getpid(), int(value))
            time.sleep(60)
        elif word == "spawn":
            spawn(float(value))
        elif word == "orphan":
            orphan()
        elif word == "tell":
            tell()
        elif word == "show":
            show()
        elif word == "run":
            subprocess.run(["/bin/sh", "-c", value], check=False)
        elif word == "await":
            signal.sigwait([signal.SIGUSR1])
        elif word == "early":
            os.waitid(os.P_PID, root, os.WEXITED | os.WNOWAIT)
        elif word != "detach":
            sys.exit(f"unknown step {step}")


def main():
    root = 0
    if "detach" not in option("--criu"):
        root = os.fork()
        if root == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            os.setsid()
            run(option("--root", "sleep:600"))
            os._exit(0)
        with open(option("--pidfile"), "x", encoding="ascii") as file:
            file.write(option("--pid", str(root)))
    run(option("--criu"), root)


main()
