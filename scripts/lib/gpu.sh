# The simulated GPU driver of the tests; to be sourced after common.sh.

SIMULATOR=$ARTIFACTS/gpu-simulator

build_simulator() {
    [ -e "$SIMULATOR/CMakeCache.txt" ] || run_quietly "cmake" cmake -S "$ROOT/tests/gpu-simulator" -B "$SIMULATOR" \
        -DCMAKE_BUILD_TYPE=Release -DCHECKPOINTER_GPU="$ARTIFACTS/native/checkpointer-gpu" || return
    run_quietly "building the simulated GPU driver" cmake --build "$SIMULATOR" --parallel
}
