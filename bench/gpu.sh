#!/usr/bin/env bash
# What Checkpointer itself costs around the CUDA driver's calls, on simulated GPUs: SIMULATOR, no hardware.
#
#   bench/gpu.sh [--processes N,...] [--rounds N] [--against DIR] [--state DIR] [--built] [--json FILE]
#
#   --processes    CUDA processes of the tree (default 1,2,4,8)
#   --rounds N     interleaved rounds (default 7), each with new trees; the tables have medians
#   --against DIR  a folder with another build (checkpointer and its helpers), timed in the same rounds
#   --state DIR    where the journal is: its file system decides what an fsync costs (default: a folder in /var/tmp)
#   --json FILE    also every single number
#
# Each round, for each number: a checkpoint with --leave-running, one that ends the tree, and a restore. "driver" is what the driver itself
# says that its calls took; everything else is ours.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
. "$ROOT/scripts/lib/gpu.sh"

BUILT=0
ARGUMENTS=()
while [ $# -gt 0 ]; do
    case $1 in
        --built) BUILT=1; shift ;;
        -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
        --processes | --rounds | --against | --state | --json)
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
build_simulator
CRIU=${CHECKPOINTER_CRIU:-}
[ -n "$CRIU" ] || CRIU=$ARTIFACTS/criu/sbin/criu
[ -x "$CRIU" ] || CRIU=$(command -v criu) || die "no CRIU: run scripts/setup.sh"
# The simulated nodes are those of the simulator's own tests.
export SIMULATOR PROFILES=$ROOT/tests/gpu-simulator/profiles WORKER=$BIN/checkpointer-gpu PYTHONPATH=$ROOT/tests/gpu-simulator/tests
exec python3 -B "$ROOT/bench/gpu.py" --bin "$BIN" --criu "$CRIU" "${ARGUMENTS[@]}"
