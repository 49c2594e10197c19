#!/usr/bin/env bash
# Times checkpoints and restores of a seeded process against plain CRIU, and against podman where it is installed.
#
#   bench/bench.sh [--size MIB] [--rounds N] [--only NAME,...] [--built] [--json FILE]
#
#   --size MIB     memory of the process (default 2048): half random, a quarter touched zeros, a quarter program code
#   --rounds N     interleaved rounds (default 7); the table has medians
#   --only NAMES   of criu, kill, running, restore, podman (default: all that can run here)
#   --json FILE    also every single number
#
# Frozen: from the first stop of the process until it was released or ended. CPU-s/GB: processor time of everything that
# took part, for each 10^9 bytes of memory. Ratios are against plain 'criu dump' into tmpfs in the same run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
. "$ROOT/scripts/lib/filler.sh"

BUILT=0
ARGUMENTS=()
while [ $# -gt 0 ]; do
    case $1 in
        --built) BUILT=1; shift ;;
        -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
        --size | --rounds | --only | --json)
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
exec python3 "$ROOT/bench/bench.py" --bin "$BIN" --criu "$CRIU" --filler "$FILLER" --filler-source "$ROOT/tests/workloads/fill.c" "${ARGUMENTS[@]}"
