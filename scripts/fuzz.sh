#!/usr/bin/env bash
# Fuzzes the parsers of everything that comes from a store, an image or CRIU: the tests named *FuzzTests, for longer.
#
#   scripts/fuzz.sh [--seconds N] [--seed N]
#
#   --seconds N  for each target (default 60); the ordinary test run takes a second and a half
#   --seed N     another sequence of inputs (default: the time); a failure tells its seed
#
# The exit code is 0 when nothing was found.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

SECONDS_EACH=60
SEED=$(date +%s)
while [ $# -gt 0 ]; do
    case $1 in
        --seconds) SECONDS_EACH=${2:?--seconds needs a number}; shift 2 ;;
        --seed) SEED=${2:?--seed needs a number}; shift 2 ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) die "unknown argument: $1 (try --help)" ;;
    esac
done
case $SECONDS_EACH$SEED in *[!0-9]*) die "--seconds and --seed take whole numbers" ;; esac

FAILED=0
say "seed $SEED, $SECONDS_EACH s for each target"
for project in Repository Engine; do
    name=Checkpointer.$project.Tests
    run_quietly "building $name" dotnet build "$ROOT/tests/$name/$name.csproj" -v q -nologo -m:1 -nodeReuse:false || exit 1
    CHECKPOINTER_FUZZ_SECONDS=$SECONDS_EACH CHECKPOINTER_FUZZ_SEED=$SEED \
        "$ROOT/tests/$name/bin/Debug/net10.0/$name" -noLogo -noColor -class '*FuzzTests' || FAILED=1
done
exit "$FAILED"
