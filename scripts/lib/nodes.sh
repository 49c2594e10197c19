# Nodes of their own on one machine; to be sourced after common.sh. A node is a pid and a mount namespace with its own
# /dev/shm, /tmp and /run, and a node service in it. Set BASE (a folder that is not below /tmp or /run) first.

# Descriptors that our caller left open belong to its world, not to a node's: closed (255 is the one bash reads this script by).
for descriptor in /proc/$$/fd/*; do
    descriptor=${descriptor##*/}
    if [ "$descriptor" -gt 2 ] && [ "$descriptor" -ne 255 ]; then
        eval "exec $descriptor>&-"
    fi
done
unset descriptor

declare -A NODE_INIT=()  # name -> pid of the namespace's init, as this machine sees it
declare -A NODE_OUTER=() # name -> pid of the unshare that holds it
NODE_START_LIMIT=30      # seconds

# start_node NAME: configuration, state and log are in BASE/NAME; the socket is in the node's own /run.
start_node() {
    local name=$1 home=$BASE/$1 started=$SECONDS
    mkdir -p "$home/state"
    cat >"$home/checkpointer.json" <<CONFIG
{
  "socket": "/run/checkpointer/checkpointer.sock",
  "stateDirectory": "$home/state",
  "runDirectory": "/run/checkpointer",
  "repositories": { "demo": { "url": "$BASE/repo", "keyFile": "$BASE/key" } },
  "log": { "format": "text" }
}
CONFIG
    # bash is the namespace's init: it reaps what is orphaned, and with it everything in the node ends.
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child --mount-proc --propagation private bash -c '
        cd "$3" || exit
        for place in /dev/shm /tmp /run; do mount -t tmpfs -o mode=1777 tmpfs "$place" || exit; done
        chmod 755 /run
        # A checkout below one of them stays visible, to read.
        [ -d "$3" ] || { mkdir -p "$3" && mount -c --bind /proc/self/cwd "$3" && mount -o remount,bind,ro "$3"; } || exit
        cd /
        "$1" node --config "$2/checkpointer.json" &
        echo $! >"$2/service.pid"
        while :; do wait; sleep 0.2; done' node "$BIN/checkpointer" "$home" "$ROOT" </dev/null >"$home/log" 2>&1 &
    NODE_OUTER[$name]=$!
    until NODE_INIT[$name]=$(pgrep -P "${NODE_OUTER[$name]}" -o) && on "$name" test -S /run/checkpointer/checkpointer.sock 2>/dev/null; do
        kill -0 "${NODE_OUTER[$name]}" 2>/dev/null || die "node $name ended at once: $(tail -n 5 "$home/log")"
        [ $((SECONDS - started)) -lt "$NODE_START_LIMIT" ] || die "node $name did not start within $NODE_START_LIMIT s: $(tail -n 5 "$home/log")"
        sleep 0.1
    done
}

# on NAME COMMAND...: as if logged in on that node.
on() {
    local name=$1
    shift
    nsenter --target "${NODE_INIT[$name]}" --mount --pid --wdns=/ -- "$@"
}

# stop_nodes: ends them with everything that runs in them, and removes the cgroups of their restored trees.
stop_nodes() {
    local name operation
    for name in "${!NODE_OUTER[@]}"; do
        kill -KILL "${NODE_OUTER[$name]}" 2>/dev/null || true
        wait "${NODE_OUTER[$name]}" 2>/dev/null || true
    done
    for name in "${!NODE_OUTER[@]}"; do
        for operation in "$BASE/$name/state"/*/*; do
            [ -e "$operation" ] || continue
            operation=$(basename "$operation" .json)
            rmdir /sys/fs/cgroup/checkpointer/"$operation" /sys/fs/cgroup/*/checkpointer/"$operation" 2>/dev/null || true
        done
    done
    NODE_OUTER=()
}
