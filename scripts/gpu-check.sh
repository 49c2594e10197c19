#!/usr/bin/env bash
# Checks checkpoints and restores on a machine with an NVIDIA GPU, without network, and prints a report (Markdown).
#
#   sudo ./gpu-check.sh [--dir DIR] [--mib N] [--cuda-library FILE --nvml-library FILE]
#
#   --dir   where the repository goes (default: a folder in /var/tmp); it needs room for the GPU's used memory
#   --mib   device memory of the test program on each GPU (default 1024)
#
# It comes in a bundle (scripts/bundle.sh) with all that it needs. Exit code 0: no check failed.
#
# Failures are injected where the journal says that the operation stands: the command is stopped there, the journal read once more, and only when it still says the
# same is anybody killed. A step that is over each time before it is seen is a row "skipped".
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MIB=1024
DIR=
STEP_LIMIT=120 # seconds that a step of the test program may take on a slow machine
NO_PID=4194304 # the kernel's own limit for pids, which none reaches
TRIES=8        # times that a step may be over before it is seen
while [ $# -gt 0 ]; do
    case $1 in
        --dir) DIR=$2; shift 2 ;;
        --mib) MIB=$2; shift 2 ;;
        --cuda-library) export CHECKPOINTER_CUDA_LIBRARY=$2; shift 2 ;;
        --nvml-library) export CHECKPOINTER_NVML_LIBRARY=$2; shift 2 ;;
        -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
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
    for log in "$WORK"/sample.*; do kill -9 $(writers "$log") 2>/dev/null; done
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

# value FILE PATH: a number or string of a JSON object, by the names on the way to it: gpu.suspend.driver. In an array the last one counts.
value() {
    awk -v want="$2" '
        function here(p, j) { p = key[1]; for (j = 2; j <= depth; j++) p = p (key[j] == "" ? "" : "." key[j]); return p }
        function found(what) { if (named && here() == want) result = what; named = 0 }
        { text = text $0 }
        END {
            for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1)
                if (c == "{" || c == "[") { named = 0; key[++depth] = "" }
                else if (c == "}" || c == "]") { depth--; named = 0 }
                else if (c == ":") named = 1
                else if (c == ",") named = 0
                else if (c == "\"") {
                    word = ""
                    for (i++; (d = substr(text, i, 1)) != "\"" && i <= length(text); i++) { if (d == "\\") { i++; d = substr(text, i, 1) } word = word d }
                    if (named) found(word); else key[depth] = word
                }
                else if (c ~ /[-0-9a-z]/) { match(substr(text, i), /^[-+.0-9A-Za-z]+/); found(substr(text, i, RLENGTH)); i += RLENGTH - 1 }
            }
            print result
        }' "$1"
}

ckpt() { "$BIN/checkpointer" "$@" --embedded --json --quiet >"$WORK/out.json" 2>"$WORK/err.txt"; }

reason() { value "$WORK/out.json" error.message | cut -c 1-200; }

# writers LOG: the processes that write it.
writers() {
    local process
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/fd/1")" = "$1" ]; then echo "${process#/proc/}"; fi
    done 2>/dev/null
}

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

# of VALUE BYTES: milliseconds, and for each 10^9 bytes.
of() { awk -v v="${1:-0}" -v b="${2:-0}" 'BEGIN { printf "%.0f ms", v; if (b > 0) printf " (%.0f ms/GB)", v / b * 1e9 }'; }

# device_bytes: what the test program has on all GPUs.
device_bytes() { echo $((MIB << 20)) | awk -v n="${#UUIDS[@]}" '{ printf "%.0f", $1 * (n > 0 ? n : 1) }'; }

# checkpoint_figures, restore_figures BYTES: of the last command. The driver's own time is that of locking and copying, or of copying back and unlocking.
checkpoint_figures() {
    local bytes
    bytes=$(value "$WORK/out.json" bytesCaptured)
    printf '%s captured; frozen %s; driver to host %s; CRIU dump %s' \
        "$(awk -v b="${bytes:-0}" 'BEGIN { printf "%.2f GB", b / 1e9 }')" "$(of "$(value "$WORK/out.json" frozenMs)" "$bytes")" \
        "$(of "$(value "$WORK/out.json" gpu.suspend.driver)" "$(device_bytes)")" "$(of "$(value "$WORK/out.json" timings.dump)" "$bytes")"
    if [ -n "$(value "$WORK/out.json" gpu.resume.driver)" ]; then printf '; driver back %s' "$(of "$(value "$WORK/out.json" gpu.resume.driver)" "$(device_bytes)")"; fi
}

restore_figures() {
    printf 'restore %s, of it CRIU %s; driver back %s' "$(of "$(value "$WORK/out.json" timings.total)" "$1")" \
        "$(of "$(value "$WORK/out.json" timings.restore)" "$1")" "$(of "$(value "$WORK/out.json" gpu.resume.driver)" "$(device_bytes)")"
}

# end_log LOG: ends whoever writes it.
end_log() {
    local pid
    for pid in $(writers "$1"); do end_sample "$pid"; done
}

# end_sample PID
end_sample() { kill -9 "$1" 2>/dev/null; while kill -0 "$1" 2>/dev/null; do sleep 0.1; done; }

check_leave_running() {
    start_sample || return
    if ckpt checkpoint --pid "$PID" --leave-running && goes_on "$LOG"; then
        row passed "checkpoint, the program runs on" "$(checkpoint_figures)"
    else
        row FAILED "checkpoint, the program runs on" "$(reason)"
    fi
    end_sample "$PID"
}

# check_restore TITLE [RESTORE ARGUMENT...]
check_restore() {
    local title=$1 snapshot took bytes
    shift
    start_sample || return
    if ! ckpt checkpoint --pid "$PID"; then
        row FAILED "$title: checkpoint" "$(reason)"
        end_sample "$PID"
        return
    fi
    took=$(checkpoint_figures)
    snapshot=$(value "$WORK/out.json" snapshot)
    bytes=$(value "$WORK/out.json" bytesCaptured)
    if ckpt restore "$snapshot" "$@"; then
        PID=$(value "$WORK/out.json" pid)
        PIDS+=("$PID")
        if goes_on "$LOG"; then
            row passed "$title" "$took; $(restore_figures "$bytes")"
        else
            row FAILED "$title" "device memory is wrong, or the program stands still"
        fi
        end_sample "$PID"
    else
        row FAILED "$title: restore" "$(reason)"
    fi
}

# entry FILE: what a journal entry says, as PHASE/STEP, into AT, and the worker's pid into WORKER. Without a fork: it is asked some thousand times a second.
entry() {
    local text=
    AT= WORKER=
    { IFS= read -r -d '' text <"$1"; } 2>/dev/null
    [[ $text =~ \"phase\":\ ?\"([a-z]+)\" ]] && AT=${BASH_REMATCH[1]}
    [[ $text =~ \"step\":\ ?\"([A-Za-z]+)\" ]] && AT+=/${BASH_REMATCH[1]}
    [[ $text =~ \"worker\":\ ?\{[[:space:]]*\"pid\":\ ?([0-9]+) ]] && WORKER=${BASH_REMATCH[1]}
}

# strike VICTIM WHERE RUN: kills the command RUN, or its worker, where its journal says WHERE. False when that was over before it was seen.
strike() {
    local victim=$1 where=$2 run=$3 file
    while kill -0 "$run" 2>/dev/null; do
        for file in "$CHECKPOINTER_STATE_DIR"/operations/*.json; do
            entry "$file"
            [[ $AT == $where ]] || continue
            kill -STOP "$run"
            until grep -qs '^State:[[:space:]][TtZ]' "/proc/$run/status" || ! kill -0 "$run" 2>/dev/null; do sleep 0.002; done
            entry "$file" # nobody writes it any more
            if [[ $AT == $where ]] && { [ "$victim" = command ] || [ -n "$WORKER" ]; }; then
                STRUCK=$AT
                if [ "$victim" = worker ]; then kill -9 "$WORKER"; else kill -9 "$run"; fi
                kill -CONT "$run" 2>/dev/null
                return 0
            fi
            kill -CONT "$run"
            return 1
        done
    done
    return 1
}

# begin VERB ARGUMENT...: runs a command in the background; sets RUN.
begin() {
    "$BIN/checkpointer" "$@" --embedded --json --quiet >"$WORK/struck.json" 2>"$WORK/struck.txt" &
    RUN=$!
}

# next_start: what any command does first after a crash, and tells on standard error. This one has nothing else to do: no process has that pid.
next_start() { "$BIN/checkpointer" checkpoint --pid "$NO_PID" --embedded >/dev/null 2>"$WORK/recovered.txt"; }

recovered() { grep -i -m 1 recovered "$WORK/recovered.txt" | cut -c 1-160; }

# told LOG: the command said itself, with the exit code for it, that a process of this log is lost: nobody knows what the worker's last call did, and it is not tried again.
told() { [ "$CODE" -eq 6 ] && value "$WORK/struck.json" error.message | grep -qF "CUDA process $(writers "$1" | head -n 1) "; }

# check_checkpoint_strike VICTIM WHERE [ARGUMENT...]: with the journal at WHERE somebody is killed; afterwards the program runs, or its snapshot does.
check_checkpoint_strike() {
    local victim=$1 where=$2 title try outcome
    shift 2
    title="$victim killed at $where of checkpoint $*"
    for try in $(seq "$TRIES"); do
        start_sample || return
        begin checkpoint --pid "$PID" "$@"
        if strike "$victim" "$where" "$RUN"; then
            wait "$RUN" 2>/dev/null
            CODE=$?
            outcome=
            next_start
            if [ -z "$(writers "$LOG")" ]; then
                outcome="its tree had ended; restored: "
                ckpt restore "$("$BIN/checkpointer" list --json | value /dev/stdin snapshots.id)"
            fi
            if told "$LOG"; then
                row passed "$title" "struck at $STRUCK (try $try); reported as lost: $(value "$WORK/struck.json" error.code)"
            elif goes_on "$LOG" && ! ls "$CHECKPOINTER_STATE_DIR"/operations/*.json >/dev/null 2>&1; then
                row passed "$title" "struck at $STRUCK (try $try); ${outcome}runs on. $(recovered)"
            else
                row FAILED "$title" "struck at $STRUCK; $(head -n 1 "$WORK/recovered.txt" "$WORK/struck.txt" | cut -c 1-200)"
            fi
            end_log "$LOG"
            return
        fi
        wait "$RUN" 2>/dev/null
        end_log "$LOG"
    done
    row skipped "$title" "$TRIES times over before it was seen"
}

# check_restore_strike VICTIM WHERE: the same for a restore.
check_restore_strike() {
    local victim=$1 where=$2 title="$1 killed at $2 of restore" try snapshot outcome
    for try in $(seq "$TRIES"); do
        start_sample || return
        ckpt checkpoint --pid "$PID" || { row FAILED "$title: checkpoint" "$(reason)"; return; }
        snapshot=$(value "$WORK/out.json" snapshot)
        begin restore "$snapshot"
        if strike "$victim" "$where" "$RUN"; then
            wait "$RUN" 2>/dev/null
            next_start
            outcome="the tree runs"
            if [ -z "$(writers "$LOG")" ]; then
                outcome="nothing was left of it, and it was restored again"
                ckpt restore "$snapshot"
            fi
            if goes_on "$LOG" && ! ls "$CHECKPOINTER_STATE_DIR"/operations/*.json >/dev/null 2>&1; then
                row passed "$title" "struck at $STRUCK (try $try); $outcome. $(recovered)"
            else
                row FAILED "$title" "struck at $STRUCK; $(head -n 1 "$WORK/recovered.txt" "$WORK/struck.txt" | cut -c 1-200)"
            fi
            end_log "$LOG"
            return
        fi
        wait "$RUN" 2>/dev/null
        end_log "$LOG"
    done
    row skipped "$title" "$TRIES times over before it was seen"
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
mapfile -t UUIDS < <(tr ',{}' '\n\n\n' <"$WORK/node.json" | sed -n 's/.*"uuid": *"\(GPU-[^"]*\)".*/\1/p')
"$BIN/checkpointer" init >/dev/null 2>"$WORK/err.txt" || { echo "init failed: $(cat "$WORK/err.txt")" >&2; exit 1; }
check_leave_running
check_restore "ended, restored on the same GPUs"
if [ ${#UUIDS[@]} -ge 2 ]; then
    MAP=()
    for i in "${!UUIDS[@]}"; do MAP+=(--gpu "${UUIDS[$i]}=${UUIDS[$(((i + 1) % ${#UUIDS[@]}))]}"); done
    check_restore "restored with every GPU replaced by its neighbour" "${MAP[@]}"
else
    row skipped "restored with every GPU replaced by its neighbour" "one GPU here"
fi
for step in prepare/Locking prepare/Checkpointing dump/Checkpointed commit/Resuming; do
    check_checkpoint_strike command "$step" --leave-running
    check_checkpoint_strike worker "$step" --leave-running
done
for step in prepare/Locking prepare/Checkpointing dump/Checkpointed commit/Checkpointed; do check_checkpoint_strike command "$step"; done
for step in restore/Awaited restore/Restoring; do
    check_restore_strike command "$step"
    check_restore_strike worker "$step"
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
