"""A first checkpoint and those that follow it, in rounds, then one table of medians. Started by incremental.sh."""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile

import subjects
from measure import median
from workload import Filler

STEPS = ("first", "idle", "changed", "inserted", "full")
TITLES = {
    "first": "first checkpoint",
    "idle": "second, idle process",
    "changed": "5 % overwritten in runs of 64 KiB",
    "inserted": "10,000 pages inserted before the rest",
    "full": "with --full",
}
INSERTED = 10000 * 4096  # bytes
SPARE = 3 << 30  # bytes of memory beside the workload and the repository


class Drifter(Filler):
    """tests/workloads/drift.c"""

    def change(self, number):
        before = int(self.read()["changes"])
        os.kill(self.pid, number)
        values = self.wait_for(lambda now: int(now["changes"]) > before, 120)
        if values["errors"] != "0":
            raise SystemExit("error: the workload failed: %s" % values)


def parse():
    parser = argparse.ArgumentParser()
    for name in ("bin", "criu", "drifter"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--json")
    return parser.parse_args()


def check_memory(options):
    available = next(int(line.split()[1]) << 10 for line in open("/proc/meminfo") if line.startswith("MemAvailable"))
    needed = (options.size << 20) * 7 // 2 + SPARE
    if available < needed:
        raise SystemExit("error: %d MiB of memory are needed, %d MiB are available: take a smaller --size" % (needed >> 20, available >> 20))


def one_round(number, options, run, results):
    drifter = Drifter(options.drifter, run.folder, options.size, number + 1)
    try:
        repository = run.fresh_repository()
        for step in STEPS:
            if step == "changed":
                drifter.change(signal.SIGUSR2)
            elif step == "inserted":
                drifter.change(signal.SIGWINCH)
            more = ["--full"] if step == "full" else []
            result, seconds = run.verb(
                "checkpoint", "--pid", str(drifter.pid), "--repo", repository, "--leave-running", "--memory", options.memory, *more)
            drifter.counts_on()
            results[step].append({
                "frozen": result["frozenMs"], "cpu": seconds, "stored": result["bytesStored"], "captured": result["bytesCaptured"],
                "reused": result["bytesReused"], "prepare": result["timings"].get("prepare", 0), "findings": len(result["findings"]),
            })
        drifter.verify()
    finally:
        drifter.end()


def table(options, results):
    def column(step, key):
        return median([result[key] for result in results[step]])

    print("\n%d MiB, half random, half program code; --leave-running --memory %s; medians of %d rounds on %d cores" % (
        options.size, options.memory, options.rounds, os.cpu_count()))
    print("%-40s %10s %11s %9s %11s %9s %9s" % ("", "frozen ms", "prepare ms", "CPU-s/GB", "stored MiB", "of first", "wanted"))
    base = column("first", "stored")
    for step in STEPS:
        stored = column(step, "stored")
        wanted = {"idle": "<= 1 %", "changed": "<= 12 %", "inserted": "<= %.1f %%" % (12 + INSERTED / base * 100)}.get(step, "")
        print("%-40s %10.0f %11.0f %9.2f %11.1f %8.2f%% %9s" % (
            TITLES[step], column(step, "frozen"), column(step, "prepare"), column(step, "cpu") / (column(step, "captured") / 1e9),
            stored / (1 << 20), stored / base * 100, wanted))


def main():
    options = parse()
    # So that a run which is told to stop cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check_memory(options)
    folder = tempfile.mkdtemp(prefix="cki-", dir="/dev/shm")
    run = None
    results = {step: [] for step in STEPS}
    try:
        run = subjects.Run(folder, os.path.join(options.bin, "checkpointer"), options.criu)
        for number in range(options.rounds):
            one_round(number, options, run, results)
            print("round %d of %d: %s" % (number + 1, options.rounds, ", ".join(
                "%s %.0f ms %.1f MiB" % (step, results[step][-1]["frozen"], results[step][-1]["stored"] / (1 << 20)) for step in STEPS)), file=sys.stderr)
        table(options, results)
        if options.json:
            with open(options.json, "w") as file:
                json.dump({"size": options.size, "rounds": options.rounds, "results": results}, file, indent=1)
    finally:
        if run is not None:
            run.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
