#!/usr/bin/env bash
# What the distance of a store costs a restore: from a directory, from the same directory far away (10 and 30 ms a request, no other limit), and from Azurite, against a
# bare download of the same ranges.
#
#   bench/restore.sh [--size MIB] [--rounds N] [--memory SIZE] [--built]
#
#   --size MIB     memory of the process (default 256): half random, a quarter touched zeros, a quarter program code
#   --rounds N     interleaved rounds (default 7), after one that warms up; the table has medians
#   --memory SIZE  budget of every restore (default 512M)
#
# Ratios are against the directory. CPU-seconds are those of this process (CRIU's are not in them) and of the emulator, apart.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bench_options 11 "--size --rounds --memory" "$@"
SIZE=256
ROUNDS=7
MEMORY=512M
for ((i = 0; i < ${#ARGUMENTS[@]}; i += 2)); do
    name=${ARGUMENTS[i]#--}
    declare "${name^^}=${ARGUMENTS[i + 1]}"
done
export CHECKPOINTER_CRIU=$CRIU
run_quietly "building the benchmark" dotnet build "$ROOT/bench/Checkpointer.Bench" --configuration Release --nologo --verbosity quiet

FOLDER=$(mktemp -d /dev/shm/ckr-XXXXXX)
WORKLOAD=
trap '[ -z "$WORKLOAD" ] || kill -KILL "$WORKLOAD" 2>/dev/null || :; umount "$FOLDER"/run/* 2>/dev/null || :; rm -rf "$FOLDER"' EXIT
mapfile -t CODE < <(find "$(dirname "$(readlink -f "$(command -v dotnet)")")/shared" -name '*.dll' -size +100k | sort | head -400)
setsid --fork sh -c 'echo $$ >"$0"; exec "$@" </dev/null >/dev/null 2>&1' "$FOLDER/pid" "$FILLER" "$FOLDER/status" "$SIZE" 1 "${CODE[@]}"
for ((i = 0; i < 3000; i++)); do
    if grep -q ready=1 "$FOLDER/status" 2>/dev/null; then break; fi
    sleep 0.1
done
WORKLOAD=$(cat "$FOLDER/pid")
"$ROOT/bench/Checkpointer.Bench/bin/Release/net10.0/Checkpointer.Bench" restore "$ROOT" "$FOLDER" "$MEMORY" "$WORKLOAD" "$ROUNDS"
