"""takepid.py PID: becomes the parent of a process with that very pid, prints "taken" and lets it sleep; or prints "missed"."""

import os
import sys
import time

TRIES = 300  # somebody else on the machine may take the pid first

wanted = int(sys.argv[1])
for _ in range(TRIES):
    with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as last:
        last.write(str(wanted - 1))
    child = os.fork()
    if child == 0:
        if os.getpid() != wanted:
            os._exit(0)
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR)
        for standard in (0, 1, 2):  # our own are pipes that somebody reads to their end
            os.dup2(null, standard)
        os.execvp("sleep", ["sleep", "600"])
    if child == wanted:
        print("taken", flush=True)
        time.sleep(600)
    os.waitpid(child, 0)
print("missed", flush=True)
