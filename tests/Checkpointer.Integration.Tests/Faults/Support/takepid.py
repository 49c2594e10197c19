"""takepid.py PID: becomes the parent of a process with that very pid, prints "taken" and lets it sleep; or prints "missed"."""

import os
import sys
import time

TRIES = 300  # somebody else on the machine may take the pid first
LAST = "/proc/sys/kernel/ns_last_pid"


def set_last(pid):
    with open(LAST, "w", encoding="ascii") as last:
        last.write(str(pid))


wanted = int(sys.argv[1])
for _ in range(TRIES):
    with open(LAST, encoding="ascii") as last:
        before = int(last.read())
    set_last(wanted - 1)
    child = os.fork()
    if child == 0:
        if os.getpid() != wanted:
            os._exit(0)
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR)
        for standard in (0, 1, 2):  # our own are pipes that somebody reads to their end
            os.dup2(null, standard)
        os.execvp("sleep", ["sleep", "600"])
    # At once: whoever else starts something would get the pids after that one, which others that are dumped want back.
    set_last(before)
    if child == wanted:
        print("taken", flush=True)
        time.sleep(600)
    os.waitpid(child, 0)
print("missed", flush=True)
