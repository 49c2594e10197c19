#!/usr/bin/env bash
# Checks checkpoints and restores on a machine with an NVIDIA GPU, without network, and prints a report (Markdown).
#
#   sudo ./gpu-check.sh [--dir DIR] [--mib N] [--cuda-library FILE --nvml-library FILE]
#
#   --dir   where the repository goes (default: a folder in /var/tmp); it needs room for the GPU's used memory
#   --mib   device memory of the test program on each GPU (default 1024)
#
# It comes in a bundle (scripts/bundle.sh) with all that it needs. Exit code 0: all checks passed.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MIB=1024
DIR=
STEP_LIMIT=120 # seconds that a step of the test program may take on a slow machine
while [ $# -gt 0 ]; do
    case $1 in
        --dir) DIR=$2; shift 2 ;;
        --mib) MIB=$2; shift 2 ;;
        --cuda-library) export CHECKPOINTER_CUDA_LIBRARY=$2; shift 2 ;;
        --nvml-library) export CHECKPOINTER_NVML_LIBRARY=$2; shift 2 ;;
        -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "unknown argument: $1 (try --help)" >&2; exit 2 ;;
    esac
done
[ "$(id -u)" -eq 0 ] || { echo "needs root" >&2; exit 5; }

WORK=$(mktemp -d "${DIR:-/var/tmp}/gpu-check.XXXXXX")
LIBRARY=${CHECKPOINTER_CUDA_LIBRARY:-libcuda.so.1}
# In a checkout the executables lie elsewhere than in the bundle.
BIN=$HERE/bin
[ -x "$BIN/checkpointer" ] || BIN=$HERE/../artifacts/bin
SAMPLE=$BIN/gpu-sample
[ -x "$SAMPLE" ] || SAMPLE=$HERE/../artifacts/gpu-simulator/gpu-sample
TORCH=$HERE/gpu-check-torch.py
[ -e "$TORCH" ] || TORCH=$HERE/lib/gpu-check-torch.py
if [ -d "$HERE/criu" ]; then
    # CRIU with its own loader and libraries, wherever the bundle was unpacked.
    printf '#!/bin/sh\nexec "%s/criu/lib/ld-linux-x86-64.so.2" --library-path "%s/criu/lib" "%s/criu/sbin/criu" "$@"\n' \
        "$HERE" "$HERE" "$HERE" >"$WORK/criu"
    chmod +x "$WORK/criu"
    export CHECKPOINTER_CRIU=$WORK/criu
fi
export CHECKPOINTER_REPO=$WORK/repository CHECKPOINTER_KEY_FILE=$WORK/key CHECKPOINTER_STATE_DIR=$WORK/state
export CHECKPOINTER_RUN_DIR=$WORK/run CHECKPOINTER_SOCKET=$WORK/none.sock

PIDS=()
PASSED=0
FAILED=0
ROWS=()

clean() {
    for pid in "${PIDS[@]}"; do kill -9 "$pid" 2>/dev/null; done
    sleep 1
    grep -o " $WORK/[^ ]*" /proc/mounts | while read -r mount; do umount "$mount"; done
    rm -rf "$WORK"
}
trap clean EXIT

# row RESULT WHAT DETAIL
row() {
    if [ "$1" = passed ]; then PASSED=$((PASSED + 1)); fi
    if [ "$1" = FAILED ]; then FAILED=$((FAILED + 1)); fi
    ROWS+=("| $2 | $1 | ${3:-} |")
    echo "$1: $2 ${3:-}" >&2
}

# value FILE KEY: a number or string of a JSON object; the last one of that name.
value() { tr ',{}' '\n\n\n' <"$1" | sed -n "s/^ *\"$2\": *\"\{0,1\}\([^\"]*\)\"\{0,1\}.*/\1/p" | tail -n 1 | sed 's| *$||'; }

ckpt() { "$BIN/checkpointer" "$@" --embedded --json --quiet >"$WORK/out.json" 2>"$WORK/err.txt"; }

reason() { value "$WORK/out.json" message | cut -c 1-200; }

lines() { wc -l <"$1"; }

# goes_on LOG: it makes two more steps, each of which compares device memory with host memory.
goes_on() {
    local before deadline=$((SECONDS + STEP_LIMIT))
    before=$(lines "$1")
    while [ "$(lines "$1")" -lt $((before + 2)) ]; do
        if [ "$SECONDS" -ge "$deadline" ] || grep -q WRONG "$1"; then return 1; fi
        sleep 0.1
    done
    ! grep -q WRONG "$1"
}

# start_sample: sets PID and LOG.
start_sample() {
    LOG=$(mktemp "$WORK/sample.XXXXXX")
    setsid "$SAMPLE" --library "$LIBRARY" --mib "$MIB" --pause-ms 50 >>"$LOG" 2>>"$WORK/sample.err" </dev/null &
    PID=$!
    disown # no word of the shell when it is killed
    PIDS+=("$PID")
    goes_on "$LOG" || { row FAILED "the test program runs" "$(tail -n 1 "$WORK/sample.err")"; return 1; }
}

# per_gb: times of the last checkpoint, and per GB captured.
per_gb() {
    local bytes frozen gpu
    bytes=$(value "$WORK/out.json" bytesCaptured) frozen=$(value "$WORK/out.json" frozenMs) gpu=$(value "$WORK/out.json" gpu)
    awk -v b="${bytes:-0}" -v f="${frozen:-0}" -v g="${gpu:-0}" \
        'BEGIN { gb = b / 1e9; if (gb == 0) gb = 1; printf "%.2f GB, frozen %.0f ms (%.0f ms/GB), locking and copying device memory %.0f ms (%.0f ms/GB)", b / 1e9, f, f / gb, g, g / gb }'
}

# end_sample PID
end_sample() { kill -9 "$1" 2>/dev/null; while kill -0 "$1" 2>/dev/null; do sleep 0.1; done; }

check_leave_running() {
    start_sample || return
    if ckpt checkpoint --pid "$PID" --leave-running && goes_on "$LOG"; then
        row passed "checkpoint, the program runs on" "$(per_gb)"
    else
        row FAILED "checkpoint, the program runs on" "$(reason)"
    fi
    end_sample "$PID"
}

# check_restore TITLE [RESTORE ARGUMENT...]
check_restore() {
    local title=$1 snapshot took
    shift
    start_sample || return
    if ! ckpt checkpoint --pid "$PID"; then
        row FAILED "$title: checkpoint" "$(reason)"
        end_sample "$PID"
        return
    fi
    took=$(per_gb)
    snapshot=$(value "$WORK/out.json" snapshot)
    if ckpt restore "$snapshot" "$@"; then
        PID=$(value "$WORK/out.json" pid)
        PIDS+=("$PID")
        if goes_on "$LOG"; then
            row passed "$title" "$took; restore $(value "$WORK/out.json" total) ms"
        else
            row FAILED "$title" "device memory is wrong, or the program stands still"
        fi
        end_sample "$PID"
    else
        row FAILED "$title: restore" "$(reason)"
    fi
}

# check_kill WHAT DELAY: kills the command (or its worker) some time after the GPU part began; the next one must set the program right.
check_kill() {
    local what=$1 delay=$2 run victim
    start_sample || return
    "$BIN/checkpointer" checkpoint --pid "$PID" --leave-running --embedded --json >"$WORK/out.json" 2>"$WORK/killed.txt" &
    run=$!
    for _ in $(seq 2000); do
        victim=$(pgrep -P "$run" -x checkpointer-gp | head -n 1)
        if [ -n "$victim" ] || ! kill -0 "$run" 2>/dev/null; then break; fi
        sleep 0.005
    done
    sleep "$delay"
    if [ "$what" = worker ]; then kill -9 "$(pgrep -P "$run" -x checkpointer-gp | head -n 1)" 2>/dev/null; else kill -9 "$run" 2>/dev/null; fi
    wait "$run" 2>/dev/null
    if ckpt checkpoint --pid "$PID" --leave-running && goes_on "$LOG"; then
        row passed "$what killed ${delay} s into the GPU part, then checkpointed again"
    else
        row FAILED "$what killed ${delay} s into the GPU part" "$(reason)"
    fi
    end_sample "$PID"
}

check_torch() {
    local reference=$WORK/reference.txt log=$WORK/torch.txt pid
    if ! python3 -c 'import torch, sys; sys.exit(0 if torch.cuda.is_available() else 1)' 2>/dev/null; then
        row skipped "PyTorch's losses are the same bit for bit" "no PyTorch with CUDA here"
        return
    fi
    python3 "$TORCH" 100 0.05 >"$reference" 2>"$WORK/torch.err" || { row FAILED "PyTorch runs" "$(tail -n 1 "$WORK/torch.err")"; return; }
    setsid python3 "$TORCH" 100 0.05 >>"$log" 2>/dev/null </dev/null &
    pid=$!
    PIDS+=("$pid")
    goes_on "$log"
    if ckpt checkpoint --pid "$pid" && ckpt restore "$(value "$WORK/out.json" snapshot)"; then
        PIDS+=("$(value "$WORK/out.json" pid)")
        for _ in $(seq 600); do grep -q end "$log" && break; sleep 0.2; done
        if cmp -s "$reference" "$log"; then
            row passed "PyTorch's losses are the same bit for bit"
        else
            row FAILED "PyTorch's losses are the same bit for bit" "$(diff "$reference" "$log" | head -n 3 | tr '\n' ' ')"
        fi
    else
        row FAILED "PyTorch is checkpointed and restored" "$(reason)"
    fi
}

"$BIN/checkpointer" node show --json >"$WORK/node.json" 2>/dev/null
"$BIN/checkpointer" init >/dev/null 2>"$WORK/err.txt" || { echo "init failed: $(cat "$WORK/err.txt")" >&2; exit 1; }
check_leave_running
check_restore "ended, restored on the same GPUs"
mapfile -t UUIDS < <(tr ',{}' '\n\n\n' <"$WORK/node.json" | sed -n 's/.*"uuid": *"\(GPU-[^"]*\)".*/\1/p')
if [ ${#UUIDS[@]} -ge 2 ]; then
    MAP=()
    for i in "${!UUIDS[@]}"; do MAP+=(--gpu "${UUIDS[$i]}=${UUIDS[$(((i + 1) % ${#UUIDS[@]}))]}"); done
    check_restore "restored with every GPU replaced by its neighbour" "${MAP[@]}"
else
    row skipped "restored with every GPU replaced by its neighbour" "one GPU here"
fi
for delay in 0 0.02 0.05 0.1 0.2 0.5 1; do
    check_kill command "$delay"
    check_kill worker "$delay"
done
check_torch

cat <<REPORT

## $(date -u '+%Y-%m-%d'), $(value "$WORK/node.json" name), driver $(value "$WORK/node.json" driver)

$(uname -sr), ${#UUIDS[@]} GPU(s), $MIB MiB of device memory on each; CRIU $(value "$WORK/node.json" version).

| check | result | |
|---|---|---|
$(printf '%s\n' "${ROWS[@]}")

$PASSED passed, $FAILED failed.
REPORT
if grep -qi simulated "$WORK/node.json"; then
    echo "These GPUs are SIMULATED: this report says nothing about real hardware."
fi
[ "$FAILED" -eq 0 ]
