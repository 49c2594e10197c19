"""The closing table of the demo: checkpoint JSON, restore JSON, the workload's own status."""
import json
import sys


def rows(title, result):
    print("  %-34s" % title)
    for phase, milliseconds in result["timings"].items():
        print("    %-32s %9.0f ms" % (phase, milliseconds))


def mebibytes(count):
    return "%9.1f MiB" % (count / (1 << 20))


checkpoint, restore, workload = (json.load(open(path)) for path in sys.argv[1:4])
rows("checkpoint on A", checkpoint)
rows("restore on B", restore)
captured, stored = checkpoint["bytesCaptured"], checkpoint["bytesStored"]
print("  %-34s" % "all in all")
print("    %-32s %9.0f ms  (CRIU says %.0f ms)" % ("frozen", checkpoint["frozenMs"], checkpoint["criuFrozenMs"]))
print("    %-32s %9.0f ms  (as the workload saw it)" % ("longest pause between two counts", workload["longestGap"] * 1000))
print("    %-32s %s" % ("bytes in", mebibytes(captured)))
print("    %-32s %s" % ("bytes stored", mebibytes(stored)))
print("    %-32s %9.2f      (stored / in)" % ("ratio", stored / captured))
