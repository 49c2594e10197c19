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
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bench_options 12 "--size --rounds --only --json" "$@"
exec python3 "$ROOT/bench/bench.py" --bin "$BIN" --criu "$CRIU" --filler "$FILLER" --filler-source "$ROOT/tests/workloads/fill.c" "${ARGUMENTS[@]}"
