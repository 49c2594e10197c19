"""Rounds of the container tests' benchmark and of podman's, in turn; see containers.sh."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from statistics import median

import podman

SMALL, LARGE = 64, 2048  # MiB, as the benchmark has them


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tests", required=True)
    parser.add_argument("--criu", required=True)
    parser.add_argument("--filler-source", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    return parser.parse_args()


def rounds(options, folder, peer):
    """The results of both; the tests wait after each of their rounds until it is their turn again."""
    ours, theirs, done = [], [], {SMALL: 0, LARGE: 0}
    environment = dict(os.environ, CHECKPOINTER_BENCH=folder, CHECKPOINTER_BENCH_ROUNDS=str(options.rounds))
    path = os.path.join(folder, "results")
    with open(os.path.join(folder, "log"), "w") as log:
        tests = subprocess.Popen([options.tests, "-noColor", "-class", "*OutageTests"], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while True:
                ended = tests.poll() is not None
                lines = open(path).read().split("\n")[:-1] if os.path.exists(path) else []
                for line in lines[len(ours):]:
                    result = json.loads(line)
                    ours.append(result)
                    size = result["size"]
                    if peer is not None and size == LARGE:
                        theirs.append(peer.round(size, done[size] + 1))
                    open(os.path.join(folder, "turn-%d-%d" % (size, done[size])), "w").close()
                    done[size] += 1
                    print("%d MiB, round %d of %d: outage %.0f ms%s" % (
                        size, done[size], options.rounds, result["outage"], ", podman %.0f ms" % theirs[-1]["gap"] if theirs and size == LARGE else ""), file=sys.stderr)
                if ended:
                    break
                time.sleep(0.05)
        finally:
            if tests.poll() is None:
                tests.terminate()
                tests.wait()
    if tests.returncode != 0 or any(count != options.rounds for count in done.values()):
        raise SystemExit("error: the benchmark did not come through:\n" + open(os.path.join(folder, "log")).read()[-4000:])
    return ours, theirs


def table(options, ours, theirs, why_not):
    print("\nmedians of %d interleaved rounds on %d cores" % (options.rounds, os.cpu_count()))
    print("%-34s %10s %10s %10s %8s %8s" % ("", "outage ms", "seen ms", "frozen ms", "ratio", "wanted"))
    peer = median(one["gap"] for one in theirs) if theirs else None
    for size, wanted in ((SMALL, "1000 ms"), (LARGE, "<= 0.5")):
        mine = [one for one in ours if one["size"] == size]
        outage, seen, frozen = (median(one[key] for one in mine) for key in ("outage", "seen", "frozen"))
        ratio = "%.2f" % (seen / peer) if peer and size == LARGE else "-"
        print("%-34s %10.0f %10.0f %10.0f %8s %8s" % ("container of %d MiB, A to B" % size, outage, seen, frozen, ratio, wanted))
    print("%-34s %10s %10s" % ("podman of %d MiB, export + import" % LARGE, "", "%.0f" % peer if peer else "-"))
    if why_not:
        print("podman was left out: " + why_not)
    for size in (SMALL, LARGE):
        mine = [one for one in ours if one["size"] == size]
        for verb in ("checkpoint", "restore"):
            phases = ((phase, median(one[verb].get(phase, 0) for one in mine)) for phase in mine[0][verb])
            print("%4d MiB %-10s %s" % (size, verb, ", ".join("%s %.0f" % pair for pair in phases)))


def main():
    options = parse()
    # So that a run which is told to stop cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    why_not = podman.missing()
    # Podman's storage wants overlayfs upper directories, which not every tmpfs gives.
    folder = tempfile.mkdtemp(prefix="ckb-", dir="/var/tmp")
    peer = None
    try:
        peer = podman.Podman(folder, options.criu, options.filler_source) if why_not is None else None
        ours, theirs = rounds(options, folder, peer)
        table(options, ours, theirs, why_not)
        if options.json:
            with open(options.json, "w") as file:
                json.dump({"rounds": options.rounds, "ours": ours, "podman": theirs}, file, indent=1)
    finally:
        if peer is not None:
            peer.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
