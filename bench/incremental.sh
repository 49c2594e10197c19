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
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bench_options 13 "--size --rounds --memory --json" "$@"
exec python3 "$ROOT/bench/incremental.py" --bin "$BIN" --criu "$CRIU" --drifter "$DRIFTER" "${ARGUMENTS[@]}"
