"""Checkpoints and restores of trees of CUDA processes on simulated GPUs, in rounds, then tables of medians. Started by gpu.sh."""
import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile

import subjects
from gpu_workload import Tree
from lab import Node
from measure import median

PARTS = {
    "suspend": "checkpoint: lock and checkpoint",
    "thaw": "checkpoint --leave-running: restore and unlock",
    "resume": "restore: restore and unlock",
    "checkpoint-survey": "checkpoint: the look before",
    "restore-survey": "restore: the look before",
}
DEEDS = ("worker", "requests", "journal", "memory", "release", "tree", "inventory", "unaccounted")
WANTED_MS = 150  # of ours, for each operation on eight processes


def parse():
    parser = argparse.ArgumentParser()
    for name in ("bin", "criu"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--processes", default="1,2,4,8")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--against")
    parser.add_argument("--state")
    parser.add_argument("--json")
    options = parser.parse_args()
    options.processes = [int(number) for number in options.processes.split(",")]
    return options


def executable_kind(path):
    """A Native AOT executable has no bundle of managed assemblies: it names its exports of the runtime."""
    with open(path, "rb") as file:
        return "Native AOT" if b"__managedcode" in file.read() else "NOT Native AOT: just-in-time compilation is in these figures"


def one_tree(run, build, node, number, results):
    run.checkpointer = os.path.join(build, "checkpointer")
    tree = Tree(node, run.state, number)
    restores = []
    try:
        repository = run.fresh_repository()
        running, _ = run.verb("checkpoint", "--pid", str(tree.root), "--repo", repository, "--leave-running", "--memory", "64M")
        tree.goes_on()
        ended, _ = run.verb("checkpoint", "--pid", str(tree.root), "--repo", repository, "--memory", "64M")
        restored, _ = run.verb("restore", ended["snapshot"], "--repo", repository, "--memory", "64M")
        tree.root = restored["pid"]
        restores.append(restored["operation"])
        tree.goes_on()
        parts = {
            "suspend": running["gpu"]["suspend"], "thaw": running["gpu"]["resume"], "resume": restored["gpu"]["resume"],
            "checkpoint-survey": running["gpu"]["survey"], "restore-survey": restored["gpu"]["survey"],
        }
        # For comparison, with everything that is no GPU's.
        parts["whole"] = {"checkpoint": running["timings"]["total"], "restore": restored["timings"]["total"]}
        results.append(parts)
    finally:
        tree.end(restores)


def ours(part):
    return part["total"] - part.get("driver", 0)


def operations(parts):
    """Milliseconds of ours, of a whole operation."""
    return {
        "checkpoint --leave-running": sum(ours(parts[name]) for name in ("checkpoint-survey", "suspend", "thaw")),
        "checkpoint": sum(ours(parts[name]) for name in ("checkpoint-survey", "suspend")),
        "restore": sum(ours(parts[name]) for name in ("restore-survey", "resume")),
    }


def table(options, build, results):
    print("\nSIMULATED GPUs. %s: %s; medians of %d rounds on %d cores; milliseconds" % (
        build, executable_kind(os.path.join(build, "checkpointer")), options.rounds, os.cpu_count()))
    for name, title in PARTS.items():
        print("\n%-52s" % title + "".join("%9d p." % number for number in options.processes))
        rows = [("total", lambda p: p["total"]), ("the driver's own", lambda p: p.get("driver", 0)), ("ours", ours)]
        rows += [("  " + deed, lambda p, deed=deed: p.get(deed, 0)) for deed in DEEDS]
        for row, value in rows:
            values = [median([value(parts[name]) for parts in results[number]]) for number in options.processes]
            if any(values):
                print("  %-50s" % row + "".join("%12.1f" % v for v in values))
    most = max(options.processes)
    print("\nours in a whole operation, %d processes" % most)
    for name in ("checkpoint --leave-running", "checkpoint", "restore"):
        value = median([operations(parts)[name] for parts in results[most]])
        print("  %-50s%12.1f%s" % (name, value, "  wanted < %d" % WANTED_MS if most == 8 else ""))


def main():
    options = parse()
    # So that a run which is told to stop cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="ckg-", dir="/dev/shm")
    state = tempfile.mkdtemp(prefix="ckg-", dir=options.state or "/var/tmp")
    builds = [options.bin] + ([options.against] if options.against else [])
    results = {build: {number: [] for number in options.processes} for build in builds}
    run = None
    try:
        with contextlib.closing(Node(release_lag_ms=0)) as node:
            run = subjects.Run(folder, os.path.join(options.bin, "checkpointer"), options.criu)
            run.state = state
            run.environment.update(
                CHECKPOINTER_CUDA_LIBRARY=node.cuda, CHECKPOINTER_NVML_LIBRARY=node.nvml, CHECKPOINTER_STATE_DIR=os.path.join(state, "state"))
            for number in range(options.rounds):
                # Who goes first alternates.
                order = [(processes, build) for processes in options.processes for build in builds]
                for processes, build in order if number % 2 == 0 else reversed(order):
                    one_tree(run, build, node, processes, results[build][processes])
                print("round %d of %d: %s" % (number + 1, options.rounds, ", ".join(
                    "%d: %.0f ms" % (p, operations(results[options.bin][p][-1])["checkpoint --leave-running"]) for p in options.processes)), file=sys.stderr)
        for build in builds:
            table(options, build, results[build])
        if options.json:
            with open(options.json, "w") as file:
                json.dump({"rounds": options.rounds, "results": results}, file, indent=1)
    finally:
        if run is not None:
            run.close()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
