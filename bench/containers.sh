#!/usr/bin/env bash
# Times how long containers stand still on their way from one node to another, against podman's export and import where it is installed.
#
#   bench/containers.sh [--rounds N] [--built] [--json FILE]
#
#   --rounds N     interleaved rounds of each size, 64 MiB and 2048 MiB (default 5); the table has medians
#   --built        artifacts/bin and the tests are up to date
#   --json FILE    also every single number
#
# Outage: from the freeze on node A until the tree runs on node B, by checkpointer's own clocks. Seen: from the container's last line of
# output on A to its first on B, which has both command lines in it. Wanted: 64 MiB within 1000 ms; 2048 MiB within half of podman's time,
# which is the gap that its container sees.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
. "$ROOT/scripts/lib/containers.sh"

BUILT=0
ARGUMENTS=()
while [ $# -gt 0 ]; do
    case $1 in
        --built) BUILT=1; shift ;;
        -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
        --rounds | --json)
            [ $# -ge 2 ] || die "$1 needs a value"
            ARGUMENTS+=("$1" "$2")
            shift 2
            ;;
        *) die "unknown argument: $1 (try --help)" ;;
    esac
done
[ "$(id -u)" -eq 0 ] || die "CRIU needs root: run this as root"
NAME=Checkpointer.Containers.Tests
if [ "$BUILT" -eq 0 ]; then
    "$ROOT/scripts/setup.sh"
    "$ROOT/scripts/build.sh"
    run_quietly "building the tests" dotnet build "$ROOT/tests/$NAME/$NAME.csproj" -v q -nologo -clp:NoSummary -nodeReuse:false
fi
build_container_images
CRIU=$ARTIFACTS/criu/sbin/criu
[ -x "$CRIU" ] || CRIU=$(command -v criu) || die "no CRIU: run scripts/setup.sh"
exec python3 "$ROOT/bench/containers.py" --tests "$ROOT/tests/$NAME/bin/Debug/net10.0/$NAME" --criu "$CRIU" \
    --filler-source "$ROOT/tests/workloads/fill.c" "${ARGUMENTS[@]}"
