#!/usr/bin/env bash
# sweep.sh PLACE PREFIX: removes labs below PLACE whose tests have ended without doing so themselves. FOLDER/owner holds pid and start
# time of the test process; a lab whose owner lives is left alone, and so is a folder without one that is younger than ten minutes.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cgroups.sh"
PLACE=$1 PREFIX=$2

# The 22nd field of stat, counted after the name, which may hold anything.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

for folder in "$PLACE/$PREFIX"*; do
    [ -d "$folder" ] || continue
    pid= started=
    [ ! -e "$folder/owner" ] || read -r pid started <"$folder/owner"
    if [ -n "$pid" ]; then
        [ "$(start_time "$pid")" != "$started" ] || continue
    elif [ -n "$(find "$folder" -maxdepth 0 -mmin -10)" ]; then
        continue
    fi
    cgroup_remove "$(basename "$folder")"
    rm -rf "$folder"
    echo "swept $folder"
done
