# The programs that fill memory, for tests and benchmarks; to be sourced after common.sh.

FILLER=$ARTIFACTS/workloads/fill
DRIFTER=$ARTIFACTS/workloads/drift

build_filler() {
    local name
    mkdir -p "$ARTIFACTS/workloads"
    for name in fill drift; do
        local source=$ROOT/tests/workloads/$name.c program=$ARTIFACTS/workloads/$name
        [ "$program" -nt "$source" ] && continue
        run_quietly "compiling $name.c" "${CC:-cc}" -O2 -Wall -Wextra -Werror -o "$program.new" "$source" && mv -f "$program.new" "$program" || return
    done
}
