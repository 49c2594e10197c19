#!/usr/bin/env bash
# Builds everything that is shipped into artifacts/bin: checkpointer, checkpointer-hook, checkpointer-init.
#
#   scripts/build.sh             Native AOT; fails on any trimming or AOT warning (IL2xxx, IL3xxx)
#   scripts/build.sh --no-aot    framework-dependent: quicker, for trying things out
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

AOT=1
for argument in "$@"; do
    case $argument in
        --no-aot) AOT=0 ;;
        -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
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
    if [ ! -e "$ROOT/native-shim/CMakeLists.txt" ]; then
        say "build: native-shim is not there yet: skipped"
        return
    fi
    [ -e "$work/CMakeCache.txt" ] || run_quietly "cmake" cmake -S "$ROOT/native-shim" -B "$work" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$BIN" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
    run_quietly "building native-shim" cmake --build "$work" --parallel
    copy_into_bin "$work" checkpointer-hook checkpointer-init
}

# copy_into_bin FOLDER NAME...: for executables that CMake put into its own folder after all.
copy_into_bin() {
    local folder=$1 name made
    shift
    for name in "$@"; do
        [ ! -x "$BIN/$name" ] || continue
        made=$(find "$folder" -type f -name "$name" -perm -u+x | head -n 1)
        [ -n "$made" ] || die "native-shim built no $name"
        cp "$made" "$BIN/$name"
    done
}

publish() {
    local log=$ARTIFACTS/publish.log rc=0 options=(-c Release -r "$RID" -o "$ARTIFACTS/publish" -nologo -v q "-p:NuGetAudit=false")
    if [ "$AOT" -eq 1 ]; then
        # Each warning on its own line, and none folded into "assembly produced trim warnings" (IL2104, IL3053).
        options+=(-p:TrimmerSingleWarn=false)
    else
        options+=(-p:PublishAot=false -p:PublishSingleFile=true --no-self-contained)
    fi
    dotnet publish "$ROOT/src/Checkpointer/Checkpointer.csproj" "${options[@]}" >"$log" 2>&1 || rc=$?
    if grep -E '\bIL[23][0-9]{3}\b' "$log" | sort -u >"$ARTIFACTS/publish.il" && [ "$AOT" -eq 1 ]; then
        say "build: trimming and AOT warnings are errors here:"
        cat "$ARTIFACTS/publish.il" >&2
        rc=1
    elif [ "$rc" -ne 0 ]; then
        tail -n 40 "$log" >&2
    fi
    [ "$rc" -eq 0 ] || die "publishing src/Checkpointer failed; the whole log is $log"
    # A rename, because the old executable may be running.
    cp "$ARTIFACTS/publish/checkpointer" "$BIN/.checkpointer.new"
    mv -f "$BIN/.checkpointer.new" "$BIN/checkpointer"
}

mkdir -p "$BIN"
# One build at a time in a checkout: MSBuild's obj folders are shared.
exec 8>"$ARTIFACTS/build.lock"
flock -w 1800 8 || die "another build has held $ARTIFACTS/build.lock for 30 minutes"
started=$SECONDS
build_native
publish
say "build: $(cd "$BIN" && echo checkpointer*) in artifacts/bin, $((SECONDS - started)) s"
