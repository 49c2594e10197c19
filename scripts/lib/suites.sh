# Running test suites and keeping their sums and times; to be sourced after common.sh.

PASSED=0
FAILED=0
SKIPPED=0
TABLE=()
UNIT_LIMIT=600         # seconds for one project of unit tests
INTEGRATION_LIMIT=1500 # seconds for the integration tests: real CRIU, one test at a time
LONG_LIMIT=7200        # seconds for one project with --long

# record NAME SECONDS PASSED FAILED SKIPPED
record() {
    PASSED=$((PASSED + $3))
    FAILED=$((FAILED + $4))
    SKIPPED=$((SKIPPED + $5))
    TABLE+=("$(printf '%-36s %7s s %7s %7s %7s' "$1" "$2" "$3" "$4" "$5")")
}

print_table() {
    echo
    printf '%-36s %9s %7s %7s %7s\n' "" time passed failed skipped
    [ ${#TABLE[@]} -eq 0 ] || printf '%s\n' "${TABLE[@]}"
}

closing_line() { printf '%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"; }

# test_project NAME LIMIT ARGUMENT...: runs the built test executable of tests/NAME.
test_project() {
    local name=$1 limit=$2 rc=0 sums started=$SECONDS
    shift 2
    local executable=$ROOT/tests/$name/bin/Debug/net10.0/$name xml=$ARTIFACTS/results/$name.xml log=$ARTIFACTS/results/$name.log
    if [ ! -x "$executable" ]; then
        say "  $name: not built"
        record "$name" 0 0 1 0
        return
    fi
    mkdir -p "$ARTIFACTS/results"
    rm -f "$xml"
    echo "== $name"
    timeout --kill-after=30 "$limit" "$executable" -noLogo -noColor -result-xml "$xml" "$@" >"$log" 2>&1 </dev/null || rc=$?
    if [ "$rc" -ne 0 ] && [ "$rc" -ne 1 ] || [ ! -s "$xml" ]; then
        # Not a failed test but a dead run: what it had counted is not worth anything.
        [ "$rc" -ne 124 ] && [ "$rc" -ne 137 ] || say "  $name: stopped after $limit s"
        say "  $name: exit $rc without results; the end of its log:"
        tail -n 25 "$log" >&2
        record "$name" $((SECONDS - started)) 0 1 0
        return
    fi
    python3 "$ROOT/scripts/lib/results.py" "$xml" >"$log.summary"
    head -n -1 "$log.summary"
    read -ra sums < <(tail -n 1 "$log.summary")
    # A runner that says failure while no test failed is a failure too.
    [ "$rc" -eq 0 ] || [ "${sums[1]}" -ne 0 ] || sums[1]=1
    if [ "${sums[1]}" -ne 0 ]; then
        echo "    details: $log"
        grep -A 12 -F '[FAIL]' "$log" | head -n 120 || true
    fi
    record "$name" $((SECONDS - started)) "${sums[@]}"
}

# test_script NAME COMMAND...: a script whose last line is a closing line of the same form.
test_script() {
    local name=$1 rc=0 line log=$ARTIFACTS/results/$1.log started=$SECONDS
    shift
    mkdir -p "$ARTIFACTS/results"
    echo "== $name"
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1) || line="0 passed, 1 failed, 0 skipped"
    [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]
    local passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[3]}
    [ "$rc" -eq 0 ] || [ "$failed" -ne 0 ] || failed=1
    [ "$failed" -eq 0 ] || tail -n 30 "$log"
    record "$name" $((SECONDS - started)) "$passed" "$failed" "$skipped"
}

# start_group COMMAND...: runs suites in the background; join_group brings their lines, sums and times. One group at a time.
start_group() {
    GROUP_SUMS=$ARTIFACTS/results/group.sums
    GROUP_LINES=$ARTIFACTS/results/group.lines
    mkdir -p "$ARTIFACTS/results"
    rm -f "$GROUP_SUMS"
    # With job control a background command does not ignore SIGINT, which every process of the tests would inherit.
    set -m
    (
        PASSED=0 FAILED=0 SKIPPED=0 TABLE=()
        "$@"
        declare -p PASSED FAILED SKIPPED TABLE >"$GROUP_SUMS"
    ) >"$GROUP_LINES" 2>&1 </dev/null &
    GROUP_PID=$!
    set +m
    trap 'kill_tree "$GROUP_PID"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# join_group: a group that ended without its sums counts as one failure.
join_group() {
    local passed=$PASSED failed=$FAILED skipped=$SKIPPED table=("${TABLE[@]}")
    wait "$GROUP_PID"
    trap - EXIT INT TERM
    cat "$GROUP_LINES"
    if [ -s "$GROUP_SUMS" ]; then
        # declare makes locals of a function's variables.
        . <(sed 's/^declare -[-a]* //' "$GROUP_SUMS")
    else
        PASSED=0 FAILED=0 SKIPPED=0 TABLE=()
        record "suites in the background" 0 0 1 0
    fi
    PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
    TABLE=("${table[@]}" "${TABLE[@]}")
}

# kill_tree PID: the parent first, so that it starts nothing more.
kill_tree() {
    local children child
    children=$(pgrep -P "$1") || true
    kill -TERM "$1" 2>/dev/null || true
    for child in $children; do kill_tree "$child"; done
}

# native_tests: what CMake registered as tests of the shim.
native_tests() { ctest_tests native-shim "$ARTIFACTS/native"; }

# ctest_tests NAME BUILD: what CMake registered as tests in a build.
ctest_tests() {
    local name=$1 build=$2 log=$ARTIFACTS/results/$1.log rc=0 started=$SECONDS total failed
    if [ ! -e "$build/CTestTestfile.cmake" ]; then
        return
    fi
    mkdir -p "$ARTIFACTS/results"
    echo "== $name"
    timeout --kill-after=30 $((2 * UNIT_LIMIT)) ctest --test-dir "$build" --output-on-failure >"$log" 2>&1 </dev/null || rc=$?
    if [[ $(grep 'tests passed' "$log" | tail -n 1) =~ ,\ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
        failed=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
    elif [ "$rc" -eq 0 ]; then
        return # no tests registered
    else
        failed=1 total=1
    fi
    [ "$failed" -eq 0 ] || tail -n 60 "$log"
    record "$name" $((SECONDS - started)) $((total - failed)) "$failed" 0
}
