#!/usr/bin/env bash
# world.sh FOLDER NODES RUNTIME: the init of a world of nodes; started by lab.sh, in namespaces of its own.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/cgroups.sh"
FOLDER=$1 NODES=$2 RUNTIME=$3
NAME=$(basename "$FOLDER")

ip -batch - <<NETWORK
link set lo up
link add nodes type bridge
link set nodes up
address add 10.77.0.254/24 dev nodes
NETWORK

for ((n = 1; n <= NODES; n++)); do
    # The node's cgroup is entered first: it becomes the root of the node's cgroup namespace.
    (
        cgroup_enter "$NAME/n$n" "$BASHPID"
        exec unshare --mount --net --uts --ipc --pid --cgroup --fork --kill-child --mount-proc --propagation slave \
            bash "$HERE/node.sh" "$FOLDER" "$n" "$NODES" "$RUNTIME" >"$FOLDER/n$n/log" 2>&1
    ) &
    holder=$!
    # Before it is unshare it is a shell with other children.
    until [ "$(<"/proc/$holder/comm")" = unshare ] && init=$(pgrep -P "$holder" -o); do
        kill -0 "$holder" || { cat "$FOLDER/n$n/log"; exit 1; }
        sleep 0.02
    done
    # unshare has one child, and that is in the new namespaces from its first moment on.
    printf '%s\n' "link add to-n$n type veth peer name eth0 netns $init" "link set to-n$n master nodes up" | ip -batch -
done
for ((n = 1; n <= NODES; n++)); do
    for ((tries = 0; ; tries++)); do
        [ ! -e "$FOLDER/n$n/up" ] || break
        [ "$tries" -lt 500 ] || { echo "node n$n does not come up: $(tail -n 3 "$FOLDER/n$n/log")"; exit 1; }
        sleep 0.05
    done
done
touch "$FOLDER/ready"
sleep infinity &
while :; do wait || true; done
