#!/usr/bin/env bash
# Makes a bundle for a machine without network: the executables of artifacts/bin, CRIU with its libraries, and a check of GPUs.
#
#   scripts/bundle.sh            artifacts/checkpointer-bundle.tar.gz (scripts/build.sh comes before)
#
# It fails above 60 MiB.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/gpu.sh"

MOST_BYTES=$((60 << 20)) # what still travels by any means
NAME=checkpointer-bundle

case ${1:-} in
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    "") ;;
    *) die "unknown argument: $1 (try --help)" ;;
esac

for name in checkpointer checkpointer-hook checkpointer-init checkpointer-gpu; do
    [ -x "$BIN/$name" ] || die "artifacts/bin/$name is missing: run scripts/build.sh first"
done
CRIU=$(readlink -f "${CHECKPOINTER_CRIU_PREFIX:-$ARTIFACTS/criu}")
[ -x "$CRIU/sbin/criu" ] || die "no CRIU in $CRIU: run scripts/setup.sh first"
build_simulator # for the sample program, which is an ordinary CUDA program

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
mkdir -p "$WORK/$NAME/bin" "$WORK/$NAME/criu"
cp "$BIN"/checkpointer "$BIN"/checkpointer-hook "$BIN"/checkpointer-init "$BIN"/checkpointer-gpu "$SIMULATOR/gpu-sample" "$WORK/$NAME/bin/"
cp -a "$CRIU/sbin" "$CRIU/lib" "$WORK/$NAME/criu/"
cp "$ROOT/scripts/gpu-check.sh" "$ROOT/scripts/lib/gpu-check-torch.py" "$WORK/$NAME/"
strip "$WORK/$NAME/bin/checkpointer" 2>/dev/null || true
# CRIU was linked for the place where setup.sh had put it; gpu-check.sh starts it through its own loader.
tar -C "$WORK" -czf "$ARTIFACTS/$NAME.tar.gz.new" "$NAME"
size=$(stat -c %s "$ARTIFACTS/$NAME.tar.gz.new")
[ "$size" -le "$MOST_BYTES" ] || die "the bundle has $size bytes, more than $MOST_BYTES"
mv -f "$ARTIFACTS/$NAME.tar.gz.new" "$ARTIFACTS/$NAME.tar.gz"
say "bundle: artifacts/$NAME.tar.gz, $((size >> 20)) MiB"
