#!/usr/bin/env bash
# What a second checkpoint of the same process costs: stored bytes, frozen time and processor time against the first.
#
#   bench/incremental.sh [--size MIB] [--rounds N] [--memory SIZE] [--built] [--json FILE]
#
#   --size MIB     memory of the process (default 4096): half random, half program code
#   --rounds N     rounds (default 5), each with a new process and repository; the table has medians
#   --memory SIZE  budget of every checkpoint (default 512M)
#   --json FILE    also every single number
#
# Each round: first, idle, 5 % of the pages overwritten with random bytes in runs of 64 KiB, 10,000 pages inserted before the rest,
# and --full; all with --leave-running, on tmpfs, against the checkpoint before.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
. "$ROOT/scripts/lib/filler.sh"

BUILT=0
ARGUMENTS=()
while [ $# -gt 0 ]; do
    case $1 in
        --built) BUILT=1; shift ;;
        -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
        --size | --rounds | --memory | --json)
            [ $# -ge 2 ] || die "$1 needs a value"
            ARGUMENTS+=("$1" "$2")
            shift 2
            ;;
        *) die "unknown argument: $1 (try --help)" ;;
    esac
done
[ "$(id -u)" -eq 0 ] || die "CRIU needs root: run this as root"
if [ "$BUILT" -eq 0 ]; then
    "$ROOT/scripts/setup.sh"
    "$ROOT/scripts/build.sh"
fi
build_filler
CRIU=${CHECKPOINTER_CRIU:-}
[ -n "$CRIU" ] || CRIU=$ARTIFACTS/criu/sbin/criu
[ -x "$CRIU" ] || CRIU=$(command -v criu) || die "no CRIU: run scripts/setup.sh"
exec python3 "$ROOT/bench/incremental.py" --bin "$BIN" --criu "$CRIU" --drifter "$DRIFTER" "${ARGUMENTS[@]}"
