# The memory filler of tests and benchmarks; to be sourced after common.sh.

FILLER=$ARTIFACTS/workloads/fill

build_filler() {
    local source=$ROOT/tests/workloads/fill.c
    [ "$FILLER" -nt "$source" ] && return
    mkdir -p "$(dirname "$FILLER")"
    run_quietly "compiling fill.c" "${CC:-cc}" -O2 -Wall -Wextra -Werror -o "$FILLER.new" "$source" && mv -f "$FILLER.new" "$FILLER"
}
