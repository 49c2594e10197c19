"""Measuring: CRIU's own statistics, processor time by cgroup, medians."""
import os
import statistics
import struct


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """The fields of a protobuf message: number -> last value (an int, or bytes)."""
    at, found = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError("unexpected wire type %d" % (key & 7))
        found[key >> 3] = value
    return found


def criu_frozen_ms(stats_dump):
    """CRIU's frozen_time of a stats-dump image: two magic words, a length, a StatsEntry with a DumpStatsEntry."""
    data = open(stats_dump, "rb").read()
    length, = struct.unpack_from("<I", data, 8)
    dump = fields(fields(data[12:12 + length])[1])
    return dump.get(2, 0) / 1000


class Cgroup:
    """A cgroup of our own whose processor time is read; works with v1 (cpuacct) and v2."""

    def __init__(self, name):
        for base, usage in (("/sys/fs/cgroup/cpu,cpuacct", "cpuacct.usage"), ("/sys/fs/cgroup/cpuacct", "cpuacct.usage"), ("/sys/fs/cgroup", "cpu.stat")):
            if os.path.exists(os.path.join(base, "cgroup.procs")):
                self.path = os.path.join(base, name)
                self.usage = usage
                os.makedirs(self.path, exist_ok=True)
                return
        raise SystemExit("error: no cgroup that accounts processor time")

    def join(self):
        """For a child, between fork and exec."""
        with open(os.path.join(self.path, "cgroup.procs"), "w") as procs:
            procs.write("0")

    def seconds(self):
        return usage_of(os.path.join(self.path, self.usage))

    def close(self):
        try:
            os.rmdir(self.path)
        except OSError:
            pass  # something of the run is still ending


def usage_of(path):
    try:
        text = open(path).read()
    except OSError:
        return 0.0
    if path.endswith("cpu.stat"):
        return int(text.split("usage_usec", 1)[1].split()[0]) / 1e6
    return int(text) / 1e9


def usage_of_cgroup_of(pid):
    """Processor seconds of the cgroup that a process lives in: a restored tree has one of its own."""
    for line in open("/proc/%d/cgroup" % pid):
        _, controllers, path = line.rstrip("\n").split(":", 2)
        names = controllers.split(",")
        if "checkpointer/" not in path:
            continue
        if "cpuacct" in names:
            return max(usage_of("/sys/fs/cgroup/%s%s/cpuacct.usage" % (base, path)) for base in ("cpu,cpuacct", "cpuacct"))
        if controllers == "":
            found = usage_of("/sys/fs/cgroup%s/cpu.stat" % path)
            if found:
                return found
    return 0.0


def median(values):
    return statistics.median(values) if values else None
