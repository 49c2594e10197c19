#!/usr/bin/env bash
# Sets everything up, builds, and runs tests.
#
#   scripts/test.sh [core|repository|gpu|containers|all] [--long] [--built]
#
#   core        (default) unit tests, and checkpoints and restores of real processes with real CRIU (root)
#   repository  the repository alone
#   gpu, containers
#   all         everything, and that the build refuses broken layers
#   --long      also soak and multi-GiB tests
#   --built     artifacts/bin is up to date: skip setup and build of what is shipped
#
# The last line is 'N passed, N failed, N skipped'; the exit code is 0 when nothing failed.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/suites.sh"
. "$ROOT/scripts/lib/filler.sh"
. "$ROOT/scripts/lib/gpu.sh"
. "$ROOT/scripts/lib/containers.sh"

SUITE=core
LONG=0
BUILT=0
for argument in "$@"; do
    case $argument in
        core | repository | gpu | containers | all) SUITE=$argument ;;
        --long) LONG=1 ;;
        --built) BUILT=1 ;;
        -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) die "unknown argument: $argument (try --help)" ;;
    esac
done
FILTER=()
SETUP=()
if [ "$LONG" -eq 0 ]; then
    FILTER=(-trait- "Length=Long")
else
    SETUP=(--long)
    UNIT_LIMIT=$LONG_LIMIT
    INTEGRATION_LIMIT=$LONG_LIMIT
fi

case $SUITE in containers | all) SETUP+=(--programs) ;; esac

# stage NAME COMMAND...: a step that must succeed; it is counted only when it fails.
stage() {
    local name=$1 started=$SECONDS
    shift
    if "$@"; then
        record "$name" $((SECONDS - started)) 0 0 0
    else
        record "$name" $((SECONDS - started)) 0 1 0
        print_table
        closing_line
        exit 1
    fi
}

build_tests() {
    # The lock of build.sh: MSBuild's obj folders are shared. It is not for children, as there.
    run_quietly "building the tests" flock --close -w 1800 "$ARTIFACTS/build.lock" \
        dotnet build "$ROOT/Checkpointer.sln" -v q -nologo -clp:NoSummary -nodeReuse:false || return
    case $SUITE in core | all) build_filler || return ;; esac
    case $SUITE in gpu | containers | all) build_simulator || return ;; esac
    case $SUITE in containers | all) build_container_images || return ;; esac
}

# What hardly uses the shipped executables runs beside the integration tests, which wait more than they compute.
run_units() {
    if [ "$SUITE" = all ]; then
        run_repository
        test_script layering "$ROOT/scripts/check-layering.sh"
        test_script build-script "$ROOT/scripts/check-build.sh"
    fi
    native_tests
    for project in Platform Engine Node Cli; do
        test_project "Checkpointer.$project.Tests" "$UNIT_LIMIT" "${FILTER[@]}"
    done
}

run_core() {
    start_group run_units
    test_project Checkpointer.Integration.Tests "$INTEGRATION_LIMIT" "${FILTER[@]}"
    join_group
}

run_repository() { test_project Checkpointer.Repository.Tests "$UNIT_LIMIT" "${FILTER[@]}"; }

run_gpu() {
    ctest_tests gpu-simulator "$SIMULATOR"
    test_project Checkpointer.Gpu.Tests "$INTEGRATION_LIMIT" "${FILTER[@]}"
}

run_containers() { test_project Checkpointer.Containers.Tests "$INTEGRATION_LIMIT" "${FILTER[@]}"; }

if [ "$BUILT" -eq 0 ]; then
    stage setup "$ROOT/scripts/setup.sh" "${SETUP[@]}"
    stage build "$ROOT/scripts/build.sh"
fi
stage "build tests" build_tests
export PATH=$PATH:$ARTIFACTS/tools

case $SUITE in
    core) run_core ;;
    repository) run_repository ;;
    gpu) run_gpu ;;
    containers) run_containers ;;
    all) run_core; run_gpu; run_containers ;;
esac
print_table
closing_line
[ "$FAILED" -eq 0 ]
