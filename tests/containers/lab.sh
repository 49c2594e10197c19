#!/usr/bin/env bash
# lab.sh FOLDER NODES RUNTIME: a small world of nodes on this machine, for as long as stdin is open.
#
# FOLDER   exists, is on a file system that can carry overlays, and is removed at the end; its name names the cgroups
# NODES    how many; they are called n1, n2, ...
# RUNTIME  the prefix with bin/containerd, bin/runc, cni/
#
# Prints "ready" when every node has its network; then FOLDER/nN/init holds the pid of its init. A world is a network, mount and
# pid namespace with a bridge; a node is one of each, and uts, ipc and cgroup, in it. So neither interface, route, mount nor process
# can outlive the world's init, and only cgroups and FOLDER are to be removed. Exit 77 with "unable: REASON": not possible here.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cgroups.sh"
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
FOLDER=$1 NODES=$2 RUNTIME=$3
NAME=$(basename "$FOLDER")

unable() { echo "unable: $*"; exit 77; }

WORLD=
clean() {
    trap - EXIT
    if [ -n "$WORLD" ]; then
        kill -KILL "$WORLD" 2>/dev/null || true
        wait "$WORLD" 2>/dev/null || true
    fi
    cgroup_remove "$NAME"
    rm -rf "$FOLDER"
}
trap clean EXIT
# A terminal's interrupt is for the tests: they close stdin when they are done.
trap '' INT HUP
trap 'exit 143' TERM

grep -q 'overlay$' /proc/filesystems || modprobe overlay 2>/dev/null || unable "this kernel has no overlayfs"
[ ${#CGROUP_ROOTS[@]} -ne 0 ] || unable "no cgroups are mounted at $CGROUPS"
unshare --mount --net --pid --ipc --uts --cgroup --fork true 2>/dev/null || unable "namespaces cannot be made here"
for ((n = 1; n <= NODES; n++)); do
    cgroup_make "$NAME/n$n" 2>/dev/null || unable "cgroups cannot be made below $CGROUPS"
    mkdir -p "$FOLDER/n$n"/{containerd,cni,config,state,logs,data}
done
mkdir "$FOLDER/shared"

# Its init must be ended by whoever finds it in its cgroup.
WORLD_CGROUP=$NAME
[ "$CGROUP_KIND" = v1 ] || { cgroup_make "$NAME/world"; WORLD_CGROUP=$NAME/world; }
bash -c '. "$1"; cgroup_enter "$2" $$; shift 2; exec "$@"' bash "$HERE/cgroups.sh" "$WORLD_CGROUP" \
    unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc --propagation slave \
    bash "$HERE/world.sh" "$FOLDER" "$NODES" "$RUNTIME" </dev/null >"$FOLDER/world.log" 2>&1 &
WORLD=$!

for ((tries = 0; ; tries++)); do
    [ ! -e "$FOLDER/ready" ] || break
    kill -0 "$WORLD" 2>/dev/null || unable "the nodes do not start: $(tail -n 3 "$FOLDER/world.log" | tr '\n' ' ')"
    [ "$tries" -lt 600 ] || unable "the nodes did not start within a minute: $(tail -n 3 "$FOLDER/world.log" | tr '\n' ' ')"
    sleep 0.1
done
# Pids as this machine sees them: a node's init is the first process of a pid namespace in the world's in ours.
for ((n = 1; n <= NODES; n++)); do
    for pid in $(cgroup_tasks "$NAME/n$n"); do
        while read -ra fields; do
            [ "${fields[0]}" != NSpid: ] || [ "${fields[-1]}" != 1 ] || [ ${#fields[@]} -ne 4 ] || echo "$pid" >"$FOLDER/n$n/init"
        done <"/proc/$pid/status"
    done 2>/dev/null
    [ -s "$FOLDER/n$n/init" ] || unable "node n$n has no init"
done
echo ready
# Whatever is said is not for us: what counts is that it ends.
while read -r _; do :; done
