"""A container without any runtime, as the tests need it: own namespaces and cgroups, the mounts that runc makes."""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

LIBC = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWPID, NEWNET = 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE, SLAVE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18, 1 << 19
DETACH = 2
SYS_PIVOT_ROOT = 155 if os.uname().machine == "x86_64" else 41
TIOCSPTLCK = 0x40045431  # the same where x86-64 and ARM live; Python has no name for it
SAFE = NOSUID | NODEV | NOEXEC
DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
MASKED_FILES = ["/proc/kcore", "/proc/keys", "/proc/timer_list"]
MASKED_DIRECTORIES = ["/proc/acpi", "/proc/scsi", "/sys/firmware"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def check(result):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def mount(source, target, kind=None, flags=0, data=None):
    encode = lambda text: None if text is None else text.encode()
    try:
        check(LIBC.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data)))
    except OSError as error:
        raise OSError(error.errno, f"mount {source} on {target}: {error.strerror}") from error


def bind(source, target, read_only=False):
    """A bind mount; the target is made."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(source, target, flags=BIND | REC)
    if read_only:
        mount(None, target, flags=BIND | REMOUNT | RDONLY)


def cgroup_mounts():
    """Of this machine: (path, kind, options), v1 and v2."""
    found = []
    with open("/proc/self/mountinfo", encoding="ascii") as file:
        for line in file:
            fields = line.split()
            dash = fields.index("-")
            if fields[dash + 1] in ("cgroup", "cgroup2"):
                options = [word for word in fields[dash + 3].split(",") if word not in ("rw", "ro")]
                found.append((fields[4], fields[dash + 1], ",".join(options)))
    return found


def cgroup_folders(base, existing=True):
    """The container's cgroups: where a child of the hierarchy's root can be used as it is made."""
    for path, kind, options in cgroup_mounts():
        folder = os.path.join(path, os.path.basename(base))
        if "cpuset" not in options.split(",") and (not existing or os.path.isdir(folder)):
            yield folder


def mount_dev(root):
    dev = root + "/dev"
    mount("tmpfs", dev, "tmpfs", NOSUID, "mode=755,size=65536k")
    os.umask(0)
    for name, minor in DEVICES.items():
        os.mknod(f"{dev}/{name}", 0o20666, os.makedev(1, minor))
    os.mknod(dev + "/tty", 0o20666, os.makedev(5, 0))
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
                         ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"), ("core", "/proc/kcore")):
        os.symlink(target, f"{dev}/{name}")
    os.umask(0o22)
    for name in ("pts", "mqueue", "shm"):
        os.mkdir(f"{dev}/{name}")
    mount("devpts", dev + "/pts", "devpts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
    mount("mqueue", dev + "/mqueue", "mqueue", SAFE)


def mount_cgroups(root):
    top = root + "/sys/fs/cgroup"
    mounts = cgroup_mounts()
    if any(kind == "cgroup" for _, kind, _ in mounts):
        mount("tmpfs", top, "tmpfs", SAFE, "mode=755")
    for path, kind, options in mounts:
        target = root + path
        os.makedirs(target, exist_ok=True)
        mount(kind, target, kind, SAFE | RDONLY, options if kind == "cgroup" else None)
    if any(kind == "cgroup" for _, kind, _ in mounts):
        mount(None, top, flags=BIND | REMOUNT | SAFE | RDONLY)


def start_loopback():
    with socket.socket() as any_socket:
        request = struct.pack("16sH14x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


def mask(root):
    for path in MASKED_FILES:
        if os.path.exists(root + path):
            mount(root + "/dev/null", root + path, flags=BIND)
    for path in MASKED_DIRECTORIES:
        if os.path.isdir(root + path):
            mount("tmpfs", root + path, "tmpfs", RDONLY)
    for path in READ_ONLY:
        if os.path.exists(root + path):
            mount(root + path, root + path, flags=BIND | REC)
            mount(None, root + path, flags=BIND | REMOUNT | SAFE | RDONLY)


def make_unprivileged():
    """No capabilities, another user, no new privileges: what a careful pod asks for."""
    for capability in range(64):
        LIBC.prctl(24, capability)  # PR_CAPBSET_DROP
    os.setgroups([1000])
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)
    LIBC.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS


def open_terminal(root, channel):
    """What runc does for a container with a terminal: the master goes out, the slave is the console and the standard streams."""
    master = os.open(root + "/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
    slave = os.open(root + "/dev/pts/0", os.O_RDWR | os.O_NOCTTY)
    bind(root + "/dev/pts/0", root + "/dev/console")
    socket.send_fds(channel, [b"m"], [master])
    os.close(master)
    return slave


def take_terminal(slave):
    for number in range(3):
        os.dup2(slave, number)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def inside(base, hostname, options, channel, command):
    """What runs in the new namespaces, as PID 1."""
    root = base + "/merged"
    os.setsid()
    mount(None, "/", flags=REC | (SLAVE if options.get("slave") else PRIVATE))
    mount("overlay", root, "overlay", 0, f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work")
    for name in ("proc", "dev", "sys", "tmp", "data", "etc"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    mount("proc", root + "/proc", "proc", SAFE)
    mount_dev(root)
    mount("sysfs", root + "/sys", "sysfs", SAFE | RDONLY)
    mount_cgroups(root)
    bind(base + "/shm", root + "/dev/shm")
    mount("tmpfs", root + "/tmp", "tmpfs", NOSUID | NODEV, "size=8m,mode=1777")
    bind(base + "/volume", root + "/data")
    bind(base + "/secret", root + "/var/run/secret", read_only=True)
    for name in ("hosts", "hostname", "resolv.conf"):
        bind(f"{base}/etc/{name}", f"{root}/etc/{name}")
    bind(base + "/termination", root + "/dev/termination-log")
    if command[0] == "/checkpointer-init":
        bind(os.environ["SHIM_INIT"], root + "/checkpointer-init", read_only=True)
    mask(root)
    slave = open_terminal(root, channel) if options.get("terminal") else None
    if options.get("read_only"):
        mount(None, root, flags=BIND | REMOUNT | RDONLY)
    os.chdir(root)
    check(LIBC.syscall(SYS_PIVOT_ROOT, b".", b"."))
    check(LIBC.umount2(b".", DETACH))
    os.chdir("/")
    start_loopback()
    LIBC.sethostname(hostname.encode(), len(hostname))
    # As the runtimes do: /dev/null is the container's own, nothing but the standard descriptors, no signal ignored.
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    if slave is not None:
        take_terminal(slave)
    os.closerange(3, 4096)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    if options.get("unprivileged"):
        make_unprivileged()
    os.execve(command[0], command, {"PATH": "/bin"})


def drain_terminal(channel):
    """What a runtime's shim does: hands on what the terminal's master says, until nobody has the terminal any more."""
    _, masters, _, _ = socket.recv_fds(channel, 1, 1)
    if not masters:
        return  # it died before it had one
    master = masters[0]
    try:
        while data := os.read(master, 4096):
            os.write(1, data.replace(b"\r", b""))
    except OSError:
        pass
    os.close(master)


def main():
    base, hostname, options, report, *command = sys.argv[1:]
    for folder in cgroup_folders(base):
        with open(folder + "/cgroup.procs", "w", encoding="ascii") as file:
            file.write("0")
    check(LIBC.unshare(NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWPID | NEWNET))
    LIBC.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: a test that dies takes its containers along
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            inside(base, hostname, json.loads(options), theirs, command)
        except Exception as error:  # whatever it is: nothing of the parent's may run here
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(120)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    os.write(int(report), f"{child}\n".encode())
    theirs.close()
    if json.loads(options).get("terminal"):
        drain_terminal(ours)
    os.closerange(0, 4096)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


class Container:
    """Made and started at once; stop() leaves nothing of it. Standard output and error are pipes.

    Options: slave (its mounts get what ours get), read_only (its root), unprivileged (its process), terminal (its standard streams).
    """

    def __init__(self, base, hostname, *command, **options):
        self.base = base
        for name in ("lower", "upper", "work", "merged", "volume", "secret", "shm", "etc", "lower/bin"):
            os.makedirs(f"{base}/{name}", exist_ok=True)
        shutil.copy(os.environ["SHIM_CONTAINED"], f"{base}/lower/bin/contained")
        for name in ("etc/hosts", "etc/hostname", "etc/resolv.conf", "termination", "secret/token"):
            with open(f"{base}/{name}", "w", encoding="ascii") as file:
                file.write(f"{hostname}\n")
        for folder in cgroup_folders(base, False):
            os.mkdir(folder)
        ours, theirs = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.abspath(__file__), base, hostname, json.dumps(options), str(theirs), *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[theirs])
        os.close(theirs)
        with open(ours, encoding="ascii") as file:
            self.pid = int(file.readline())

    def mounts(self, pid=None):
        """(mount point, root in its file system, kind) of everything but the root, as PID 1 or another process sees it."""
        found = []
        with open(f"/proc/{pid or self.pid}/mountinfo", encoding="ascii") as file:
            for line in file:
                fields = line.split()
                if fields[4] != "/":
                    found.append((fields[4], fields[3], fields[fields.index("-") + 1]))
        return found

    def namespace(self, name):
        return os.stat(f"/proc/{self.pid}/ns/{name}").st_ino

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        deadline = time.monotonic() + 15
        for folder in cgroup_folders(self.base):
            while True:
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)


if __name__ == "__main__":
    main()
