#!/usr/bin/env bash
# The main job, on one machine: a process tree is checkpointed on node A and goes on on node B as if nothing had happened.
#
#   scripts/demo.sh [--size MIB] [--memory SIZE] [--dir DIR] [--built]
#
#   --size MIB     memory of the workload (default 1024)
#   --memory SIZE  buffers for the checkpoint and for the restore (default 512M)
#   --dir DIR      where repository and nodes live while it runs (default: a new folder in /var/tmp)
#   --built        artifacts/bin is up to date: skip setup and build
#
# A and B have their own pid and mount namespaces, their own /dev/shm, /tmp and /run, state directories and sockets. They
# share the repository's directory and nothing else: the workload's files move by the snapshot alone.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/nodes.sh"

SIZE=1024
MEMORY=512M
PLACE=/var/tmp
BUILT=0
while [ $# -gt 0 ]; do
    case $1 in
        --size | --memory | --dir)
            [ $# -ge 2 ] || die "$1 needs a value"
            case $1 in --size) SIZE=$2 ;; --memory) MEMORY=$2 ;; --dir) PLACE=$2 ;; esac
            shift 2
            ;;
        --built) BUILT=1; shift ;;
        -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) die "unknown argument: $1 (try --help)" ;;
    esac
done
[ "$(id -u)" -eq 0 ] || die "namespaces and CRIU need root: run this as root"
if [ "$BUILT" -eq 0 ]; then
    "$ROOT/scripts/setup.sh"
    "$ROOT/scripts/build.sh"
fi

mkdir -p "$PLACE"
BASE=$(mktemp -d "$(cd "$PLACE" && pwd -P)/checkpointer-demo.XXXXXX")
case $BASE in /tmp/* | /run/*) rm -rf "$BASE"; die "--dir must not be below /tmp or /run: each node has its own" ;; esac
clean_up() {
    local rc=$?
    stop_nodes
    if [ "$rc" -ne 0 ]; then
        for name in A B; do
            [ ! -s "$BASE/$name/log" ] || { say "--- the end of node $name's log"; tail -n 15 "$BASE/$name/log" >&2; }
            grep -h Error "$BASE/$name"/state/logs/*/*.log >&2 || true
        done
    fi
    rm -rf "$BASE"
    exit "$rc"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# show COMMAND...: prints a command as a person would type it.
show() { printf '  $ %s\n' "${*//$BIN\//}"; }
# field FILE PATH: a value from a JSON file, by names and indexes joined with dots.
field() {
    python3 -c '
import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."):
    value = value[int(name)] if isinstance(value, list) else value[name]
print(value)' "$@"
}
# Each node's own file; there is no such file on the other one until the snapshot brings it.
JOB=/tmp/job
status() { on "$1" cat "$JOB/status" >"$BASE/status.json" && field "$BASE/status.json" "$2"; }
verify() {
    on "$1" python3 -c '
import socket, sys
link = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=120)
link.sendall(b"verify\n")
print(link.makefile().readline())' "$(status "$1" port)" >"$BASE/verified.json"
    [ "$(field "$BASE/verified.json" errors)" = 0 ] || die "the workload found errors in itself: $(cat "$BASE/verified.json")"
}
count_of() { on "$1" tail -n 1 "$JOB/count.log"; }
processes_on() { on "$1" pgrep -c -f counter.py || true; }
# verb NODE FILE ARGUMENT...: a checkpointer verb on a node; its JSON goes to FILE.
verb() {
    local node=$1 file=$2
    shift 2
    show checkpointer "$@"
    on "$node" "$BIN/checkpointer" "$@" --socket /run/checkpointer/checkpointer.sock --key-file "$BASE/key" --json >"$file" || {
        local rc=$?
        cat "$file" >&2
        die "checkpointer $1 exited with $rc"
    }
}

step "1. A repository, and two nodes"
show checkpointer init --repo "$BASE/repo" --key-file "$BASE/key"
"$BIN/checkpointer" init --repo "$BASE/repo" --key-file "$BASE/key" --quiet
start_node A
start_node B
echo "  node A: pid namespace $(on A readlink /proc/self/ns/pid), node B: $(on B readlink /proc/self/ns/pid); own /dev/shm, /tmp and /run each"

step "2. A job on A, started by nobody that Checkpointer knows ($SIZE MiB)"
on A mkdir "$JOB"
on A setsid --fork sh -c 'echo $$ >"$1/pid"; exec python3 "$2" "$1" --size "$3" </dev/null >"$1/out" 2>&1' sh "$JOB" "$ROOT/tests/workloads/counter.py" "$SIZE"
until on A test -s "$JOB/status"; do
    on A test ! -s "$JOB/out" || die "the workload failed: $(on A tail -n 3 "$JOB/out")"
    sleep 0.2
done
PID=$(on A cat "$JOB/pid")
verify A
DIGEST=$(field "$BASE/verified.json" digest)
on A ps -o pid,ppid,nlwp,rss,args --forest -g "$PID" | cut -c1-100 | sed 's/^/  /'
echo "  its memory, checked by itself: $DIGEST; it has counted to $(count_of A)"

step "3. Checkpoint on A: frozen, streamed into the repository, ended when its snapshot is durable"
verb A "$BASE/checkpoint.json" checkpoint --pid "$PID" --repo demo --name job --memory "$MEMORY"
SNAPSHOT=$(field "$BASE/checkpoint.json" snapshot)
LAST=$(count_of A)
[ "$(processes_on A)" = 0 ] || die "the workload still runs on A"
echo "  snapshot $SNAPSHOT"
echo "  it is gone from A: $(processes_on A) processes of it; the last count is $LAST"

step "4. Restore on B"
echo "  before: $(processes_on B) processes of it on B, /dev/shm has $(on B ls /dev/shm | wc -l) files, $JOB is $(on B test -e "$JOB" && echo there || echo absent)"
verb B "$BASE/restore.json" restore "$SNAPSHOT" --repo demo --memory "$MEMORY"
FIRST=$(count_of B)
sleep 2
verify B
[ "$(field "$BASE/verified.json" digest)" = "$DIGEST" ] || die "its memory changed: $DIGEST before, $(field "$BASE/verified.json" digest) after"
NOW=$(count_of B)
[ "$NOW" -gt "$LAST" ] || die "it does not count on: $LAST on A, $NOW on B"
on B sh -c 'cp "$1" "$1.seen" && seq "$(tail -n 1 "$1.seen")" | cmp -s - "$1.seen"' sh "$JOB/count.log" || die "a count was lost or made twice, see count.log"
echo "  root pid $(field "$BASE/restore.json" pid) on B; counts: $LAST on A, then $FIRST, now $NOW, none lost and none twice"
echo "  its memory, checked by itself: $(field "$BASE/verified.json" digest), as before; TCP, pipes, shared memory and timers work"

step "5. What it took"
python3 "$ROOT/scripts/lib/demo_table.py" "$BASE/checkpoint.json" "$BASE/restore.json" "$BASE/verified.json"
