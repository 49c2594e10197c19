"""The peer: podman container checkpoint --export and restore --import, without compression, with storage of its own."""
import os
import shutil
import signal
import subprocess
import tarfile
import time

from workload import code_files


def missing():
    """What is not here that podman needs for a checkpoint; None when all is."""
    for name in ("podman", "conmon"):
        if shutil.which(name) is None:
            return "%s is not installed" % name
    if shutil.which("runc") is None:
        return "runc is not installed (crun is often built without CRIU)"
    return None


class Podman:
    """The same filler, linked statically, as the only program of an image made from nothing."""

    def __init__(self, folder, criu, source):
        self.folder = os.path.join(folder, "podman")
        self.data = os.path.join(self.folder, "data")
        os.makedirs(self.data)
        # podman and runc look for CRIU in PATH.
        self.environment = dict(os.environ, PATH=os.path.dirname(criu) + ":" + os.environ["PATH"])
        program = os.path.join(self.folder, "fill")
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-static", "-o", program, source], check=True)
        with open(os.path.join(self.folder, "code"), "wb") as code:
            for path in code_files():
                with open(path, "rb") as part:
                    shutil.copyfileobj(part, code)
        rootfs = os.path.join(self.folder, "rootfs.tar")
        with tarfile.open(rootfs, "w") as tar:
            tar.add(program, "fill")
            tar.add(os.path.join(self.folder, "code"), "code")
        self.call("import", rootfs, "localhost/checkpointer-bench")

    def call(self, *arguments, check=True):
        place = self.folder
        command = [
            "podman", "--root", place + "/root", "--runroot", place + "/run", "--tmpdir", place + "/tmp", "--storage-driver", "overlay",
            "--runtime", shutil.which("runc"), "--cgroup-manager", "cgroupfs", "--events-backend", "file", *arguments]
        done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise SystemExit("error: podman %s exited with %d\n%s" % (" ".join(arguments), done.returncode, done.stderr[-2000:]))
        return done.stdout.strip()

    def status(self):
        try:
            line = open(os.path.join(self.data, "status")).read()
        except FileNotFoundError:
            return None
        return dict(pair.split("=", 1) for pair in line.split()) if "ready=1" in line else None

    def wait_for(self, condition, limit=300):
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            values = self.status()
            if values and condition(values):
                return values
            time.sleep(0.01)
        raise SystemExit("error: the container's workload said nothing new within %d s" % limit)

    def round(self, mebibytes, seed):
        archive = os.path.join(self.folder, "archive.tar")
        if os.path.exists(os.path.join(self.data, "status")):
            os.unlink(os.path.join(self.data, "status"))
        self.call("run", "--detach", "--name", "before", "--network", "none", "--ulimit", "nofile=1024:20000", "--ulimit", "nproc=10000:10000",
                  "--volume", self.data + ":/data", "localhost/checkpointer-bench", "/fill", "/data/status", str(mebibytes), str(seed), "/code")
        self.wait_for(lambda values: True)
        os.kill(int(self.call("inspect", "--format", "{{.State.Pid}}", "before")), signal.SIGHUP)
        self.wait_for(lambda values: float(values["gap"]) < 1)
        began = time.monotonic()
        self.call("container", "checkpoint", "--export", archive, "--compress", "none", "before")
        self.call("rm", "--force", "before")
        self.call("container", "restore", "--import", archive, "--name", "after")
        took = time.monotonic() - began
        count = int(self.status()["count"])
        values = self.wait_for(lambda now: int(now["count"]) > count, 60)
        self.call("rm", "--force", "after")
        os.unlink(archive)
        return {"gap": float(values["gap"]) * 1000, "wall": took * 1000}

    def close(self):
        self.call("rm", "--all", "--force", check=False)
        with open("/proc/self/mountinfo") as mounts:
            points = [line.split()[4] for line in mounts]
        for point in sorted((point for point in points if point.startswith(self.folder + "/")), key=len, reverse=True):
            subprocess.run(["umount", "--lazy", point], check=False)
