#!/usr/bin/env bash
# Checks that build.sh never calls an older executable a success. It runs a copy of the scripts with a dotnet and a cmake that do as told.
# The last line is 'N passed, N failed, 0 skipped'.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
mkdir -p "$WORK/tools" "$WORK/root/artifacts/bin"
cp -r "$ROOT/scripts" "$WORK/root/"

cat >"$WORK/tools/cmake" <<'FAKE'
#!/bin/sh
[ "$1" = --build ] || exit 0
for name in checkpointer-hook checkpointer-init checkpointer-gpu; do printf '#!/bin/sh\n' >"$2/$name" && chmod +x "$2/$name"; done
FAKE
cat >"$WORK/tools/dotnet" <<'FAKE'
#!/bin/sh
while [ "$1" != -o ]; do shift; done
mkdir -p "$2"
case $FAKE_PUBLISH in
    good) echo new >"$2/checkpointer" && chmod +x "$2/checkpointer" ;;
    killed) kill -9 $$ ;;
    nothing) ;;
    warns) echo new >"$2/checkpointer" && chmod +x "$2/checkpointer" && echo "warning IL2026: reflection" ;;
esac
FAKE
chmod +x "$WORK/tools"/*
mkdir -p "$WORK/root/artifacts/native" && touch "$WORK/root/artifacts/native/CMakeCache.txt"

PASSED=0
FAILED=0
# expect NAME WANTED-EXIT WANTED-CONTENT KIND: builds over an older executable.
expect() {
    local name=$1 wanted=$2 content=$3 rc=0 got=success
    echo old >"$WORK/root/artifacts/bin/checkpointer"
    mkdir -p "$WORK/root/artifacts/publish" && echo old >"$WORK/root/artifacts/publish/checkpointer"
    chmod +x "$WORK/root/artifacts/publish/checkpointer"
    FAKE_PUBLISH=$4 PATH=$WORK/tools:$PATH "$WORK/root/scripts/build.sh" >"$WORK/log" 2>&1 || rc=$?
    [ "$rc" -eq 0 ] || got=failure
    if [ "$got" = "$wanted" ] && [ "$(cat "$WORK/root/artifacts/bin/checkpointer")" = "$content" ]; then
        echo "  ok: $name"
        PASSED=$((PASSED + 1))
    else
        echo "  FAILED: $name (exit $rc, artifacts/bin has '$(cat "$WORK/root/artifacts/bin/checkpointer")')"
        cat "$WORK/log"
        FAILED=$((FAILED + 1))
    fi
}

half=$WORK/root/src/Checkpointer/obj/Release/native/checkpointer.o
mkdir -p "$(dirname "$half")"
touch "$half"
expect "a publish that succeeds" success new good
[ -e "$half" ] && PASSED=$((PASSED + 1)) || { FAILED=$((FAILED + 1)); echo "  FAILED: what a finished publish left was thrown away"; }
expect "a publish that makes nothing" failure old nothing
expect "a publish that is killed" failure old killed
expect "a publish with AOT warnings" failure old warns
mkdir -p "$(dirname "$half")"
touch "$half"
expect "a publish after one that was killed" success new good
[ ! -e "$half" ] && PASSED=$((PASSED + 1)) || { FAILED=$((FAILED + 1)); echo "  FAILED: what a killed publish left was used again"; }
printf '%d passed, %d failed, 0 skipped\n' "$PASSED" "$FAILED"
[ "$FAILED" -eq 0 ]
