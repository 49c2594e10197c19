"""What is timed: plain CRIU, Checkpointer with and without an end of the process, and its restore."""
import json
import os
import shutil
import subprocess

from measure import Cgroup, criu_frozen_ms, usage_of_cgroup_of


class Run:
    """One folder on tmpfs for images and repositories, and the programs."""

    def __init__(self, folder, checkpointer, criu):
        self.folder = folder
        self.checkpointer = checkpointer
        self.criu = criu
        self.number = 0
        self.cgroups = []
        self.environment = dict(
            os.environ, CHECKPOINTER_CRIU=criu, CHECKPOINTER_KEY_FILE=os.path.join(folder, "key"),
            CHECKPOINTER_STATE_DIR=os.path.join(folder, "state"), CHECKPOINTER_RUN_DIR=os.path.join(folder, "run"),
            CHECKPOINTER_SOCKET=os.path.join(folder, "none.sock"))

    def execute(self, command):
        """Runs to the end in a cgroup of its own: stdout, processor seconds."""
        self.number += 1
        cgroup = Cgroup("checkpointer-bench-%d-%d" % (os.getpid(), self.number))
        self.cgroups.append(cgroup)
        try:
            done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=cgroup.join)
            if done.returncode != 0:
                raise SystemExit("error: %s exited with %d\n%s\n%s" % (" ".join(command), done.returncode, done.stdout[-2000:], done.stderr[-2000:]))
            return done.stdout, cgroup.seconds()
        finally:
            cgroup.close()

    def close(self):
        """Cgroups that still held something when their command had ended, such as the owner of a restored tree."""
        for cgroup in self.cgroups:
            cgroup.close()

    def verb(self, *arguments):
        stdout, seconds = self.execute([self.checkpointer, *arguments, "--embedded", "--json"])
        return json.loads(stdout), seconds

    def fresh_repository(self):
        repository = os.path.join(self.folder, "repo")
        shutil.rmtree(repository, ignore_errors=True)
        self.verb("init", "--repo", repository)
        return repository


def plain_criu(run, filler):
    """criu dump into tmpfs, the process runs on: the yardstick."""
    images = os.path.join(run.folder, "images")
    os.mkdir(images)
    try:
        _, seconds = run.execute([run.criu, "dump", "-t", str(filler.pid), "-D", images, "-o", "dump.log", "--leave-running", "--network-lock", "skip"])
        frozen = criu_frozen_ms(os.path.join(images, "stats-dump"))
    finally:
        shutil.rmtree(images)
    filler.counts_on()
    return {"frozen": frozen, "cpu": seconds}


def leave_running(run, filler):
    repository = run.fresh_repository()
    result, seconds = run.verb("checkpoint", "--pid", str(filler.pid), "--repo", repository, "--leave-running", "--memory", "4G")
    filler.counts_on()
    return {"frozen": result["frozenMs"], "cpu": seconds, "stored": result["bytesStored"], "captured": result["bytesCaptured"], "timings": result["timings"]}


def kill(run, filler):
    """Leaves its snapshot in the repository for the restore that follows."""
    repository = run.fresh_repository()
    result, seconds = run.verb("checkpoint", "--pid", str(filler.pid), "--repo", repository, "--memory", "512M")
    run.snapshot = result["snapshot"]
    return {"frozen": result["frozenMs"], "cpu": seconds, "stored": result["bytesStored"], "captured": result["bytesCaptured"], "timings": result["timings"]}


def restore(run, filler):
    """gap: from the last count before the freeze to the first one after the restore, as the process itself saw it."""
    result, seconds = run.verb("restore", run.snapshot, "--repo", os.path.join(run.folder, "repo"), "--memory", "512M")
    filler.pid = result["pid"]
    seconds += usage_of_cgroup_of(filler.pid)
    values = filler.counts_on()
    gap = float(values["gap"]) * 1000
    filler.verify()
    return {"gap": gap, "cpu": seconds, "timings": result["timings"]}
