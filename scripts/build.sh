#!/usr/bin/env bash
# Builds everything that is shipped into artifacts/bin: checkpointer, checkpointer-hook, checkpointer-init,
# checkpointer-gpu.
#
#   scripts/build.sh             Native AOT; fails on any trimming or AOT warning (IL2xxx, IL3xxx)
#   scripts/build.sh --no-aot    framework-dependent: quicker, for trying things out
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

NATIVE=(checkpointer-hook checkpointer-init checkpointer-gpu)
AOT=1
for argument in "$@"; do
    case $argument in
        --no-aot) AOT=0 ;;
        -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) die "unknown argument: $argument (try --help)" ;;
    esac
done

case $(uname -m) in
    x86_64) RID=linux-x64 ;;
    aarch64) RID=linux-arm64 ;;
    *) die "no build for $(uname -m)" ;;
esac

build_native() {
    local work=$ARTIFACTS/native
    [ -e "$work/CMakeCache.txt" ] || run_quietly "cmake" cmake -S "$ROOT/native-shim" -B "$work" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
    run_quietly "building native-shim" cmake --build "$work" --parallel
    for name in "${NATIVE[@]}"; do
        [ -x "$work/$name" ] || die "building native-shim made no $name"
        into_bin "$work/$name" "$name"
    done
}

# into_bin FILE NAME: by rename, because the old executable may be running, and only when it changed.
into_bin() {
    cmp -s "$1" "$BIN/$2" && return
    cp "$1" "$BIN/.$2.new"
    mv -f "$BIN/.$2.new" "$BIN/$2"
}

publish() {
    local log=$ARTIFACTS/publish.log rc=0 options=(-c Release -r "$RID" -o "$ARTIFACTS/publish" -nologo -v q "-p:NuGetAudit=false")
    if [ "$AOT" -eq 1 ]; then
        # Each warning on its own line, and none folded into "assembly produced trim warnings" (IL2104, IL3053).
        options+=(-p:TrimmerSingleWarn=false)
    else
        options+=(-p:PublishAot=false -p:PublishSingleFile=true --no-self-contained)
    fi
    # A publish that was killed may have left half an object file that looks up to date: then nothing of it is used again.
    [ ! -e "$ARTIFACTS/publish.unfinished" ] || rm -rf "$ROOT"/src/*/obj/Release
    touch "$ARTIFACTS/publish.unfinished"
    # What is there afterwards was made by this run.
    rm -f "$ARTIFACTS/publish/checkpointer"
    dotnet publish "$ROOT/src/Checkpointer/Checkpointer.csproj" "${options[@]}" >"$log" 2>&1 || rc=$?
    if grep -E '\bIL[23][0-9]{3}\b' "$log" | sort -u >"$ARTIFACTS/publish.il" && [ "$AOT" -eq 1 ]; then
        say "build: trimming and AOT warnings are errors here:"
        cat "$ARTIFACTS/publish.il" >&2
        rc=1
    elif [ "$rc" -ne 0 ]; then
        tail -n 40 "$log" >&2
    fi
    [ "$rc" -eq 0 ] || die "publishing src/Checkpointer failed (exit $rc); artifacts/bin has the executable of an earlier build. The whole log is $log"
    [ -x "$ARTIFACTS/publish/checkpointer" ] || die "publishing src/Checkpointer made no executable; the whole log is $log"
    rm -f "$ARTIFACTS/publish.unfinished"
    into_bin "$ARTIFACTS/publish/checkpointer" checkpointer
}

mkdir -p "$BIN"
# One build at a time in a checkout: MSBuild's obj folders are shared.
exec 8>"$ARTIFACTS/build.lock"
flock -w 1800 8 || die "another build has held $ARTIFACTS/build.lock for 30 minutes"
started=$SECONDS
# Not for children: a compiler server would inherit the lock and hold it until it has been idle for ten minutes.
{
    build_native
    publish
} 8>&-
say "build: $(cd "$BIN" && echo checkpointer*) in artifacts/bin, $((SECONDS - started)) s"
