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
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/scripts/lib/gpu.sh"

bench_options 13 "--processes --rounds --against --state --json" "$@"
build_simulator
# The simulated nodes are those of the simulator's own tests.
export SIMULATOR PROFILES=$ROOT/tests/gpu-simulator/profiles WORKER=$BIN/checkpointer-gpu PYTHONPATH=$ROOT/tests/gpu-simulator/tests
exec python3 -B "$ROOT/bench/gpu.py" --bin "$BIN" --criu "$CRIU" "${ARGUMENTS[@]}"
