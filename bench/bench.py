"""Interleaved rounds of everything that is compared, then one table of medians. Started by bench.sh."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import podman
import subjects
from measure import median
from workload import Filler

ALL = ("criu", "kill", "running", "restore", "podman")
SPARE = 3 << 30  # bytes of memory beside the workload, the images and the repository


def parse():
    parser = argparse.ArgumentParser()
    for name in ("bin", "criu", "filler", "filler-source"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default=",".join(ALL))
    parser.add_argument("--json")
    options = parser.parse_args()
    options.only = options.only.split(",")
    unknown = set(options.only) - set(ALL)
    if unknown:
        parser.error("unknown: %s (known: %s)" % (", ".join(sorted(unknown)), ", ".join(ALL)))
    if "restore" in options.only and "kill" not in options.only:
        parser.error("restore needs kill: it restores what kill stored")
    return options


def check_memory(options):
    available = next(int(line.split()[1]) << 10 for line in open("/proc/meminfo") if line.startswith("MemAvailable"))
    needed = (options.size << 20) * 3 + SPARE
    if available < needed:
        raise SystemExit("error: %d MiB of memory are needed, %d MiB are available: take a smaller --size" % (needed >> 20, available >> 20))


def one_round(number, options, run, peer, results):
    filler = Filler(options.filler, run.folder, options.size, number + 1)
    try:
        # Who goes first alternates, so that neither always has the warmer machine.
        first = [("criu", subjects.plain_criu), ("running", subjects.leave_running)]
        for name, subject in (first if number % 2 == 0 else reversed(first)):
            if name in options.only:
                results[name].append(subject(run, filler))
        if "kill" in options.only:
            filler.forget_gap()
            results["kill"].append(subjects.kill(run, filler))
        if "restore" in options.only:
            results["restore"].append(subjects.restore(run, filler))
    finally:
        filler.end()
    if peer is not None:
        results["podman"].append(peer.round(options.size, number + 1))


def table(options, results, why_not):
    size = (options.size << 20) / 1e9

    def column(name, key):
        return median([result[key] for result in results[name] if key in result])

    yardstick = column("criu", "frozen")
    peer = column("podman", "gap")
    print("\n%d MiB, medians of %d interleaved rounds on %d cores" % (options.size, options.rounds, os.cpu_count()))
    print("%-46s %10s %9s %8s %8s %8s" % ("", "frozen ms", "CPU-s/GB", "ratio", "wanted", "stored"))

    def row(title, value, cpu, ratio, wanted, stored=None):
        def show(number, form):
            return form % number if number is not None else "-"
        print("%-46s %10s %9s %8s %8s %8s" % (
            title, show(value, "%.0f"), show(cpu / size if cpu is not None else None, "%.2f"), show(ratio, "%.2f"), wanted, show(stored, "%.2f")))

    def ratio(value, base):
        return value / base if value is not None and base else None

    def stored(name):
        return median([result["stored"] / result["captured"] for result in results[name]])

    row("criu dump into tmpfs", yardstick, column("criu", "cpu"), 1.0 if yardstick else None, "")
    row("checkpoint, ended, --memory 512M", column("kill", "frozen"), column("kill", "cpu"), ratio(column("kill", "frozen"), yardstick), "<= 2.0", stored("kill"))
    row("checkpoint --leave-running --memory 4G", column("running", "frozen"), column("running", "cpu"), ratio(column("running", "frozen"), yardstick), "<= 1.0", stored("running"))
    print("%-46s %10s" % ("", "gap ms"))
    row("checkpoint + restore, seen by the process", column("restore", "gap"), column("restore", "cpu"), ratio(column("restore", "gap"), peer), "<= 0.5")
    row("podman export + import, seen by the process", peer, None, 1.0 if peer else None, "")
    if why_not:
        print("podman was left out: " + why_not)
    for name in ("kill", "running", "restore"):
        if results[name]:
            phases = {phase: median([result["timings"].get(phase, 0) for result in results[name]]) for phase in results[name][0]["timings"]}
            print("%-10s %s" % (name, ", ".join("%s %.0f" % pair for pair in phases.items())))


def main():
    options = parse()
    # So that a run which is told to stop cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check_memory(options)
    why_not = podman.missing() if "podman" in options.only else "not asked for"
    folder = tempfile.mkdtemp(prefix="ckb-", dir="/dev/shm")
    # Podman's storage wants overlayfs upper directories, which not every tmpfs gives.
    peer_folder = tempfile.mkdtemp(prefix="ckb-", dir="/var/tmp")
    peer = run = None
    results = {name: [] for name in ALL}
    try:
        peer = podman.Podman(peer_folder, options.criu, options.filler_source) if why_not is None else None
        run = subjects.Run(folder, os.path.join(options.bin, "checkpointer"), options.criu)
        for number in range(options.rounds):
            one_round(number, options, run, peer, results)
            print("round %d of %d: %s" % (number + 1, options.rounds, ", ".join(
                "%s %.0f ms" % (name, values[-1].get("frozen", values[-1].get("gap"))) for name, values in results.items() if values)), file=sys.stderr)
        table(options, results, why_not)
        if options.json:
            with open(options.json, "w") as file:
                json.dump({"size": options.size, "rounds": options.rounds, "results": results}, file, indent=1)
    finally:
        if peer is not None:
            peer.close()
        if run is not None:
            run.close()
        for point in (line.split()[4] for line in open("/proc/self/mountinfo").readlines()):
            if point.startswith(folder + "/"):
                subprocess.run(["umount", "--lazy", point], check=False)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(peer_folder, ignore_errors=True)


if __name__ == "__main__":
    main()
