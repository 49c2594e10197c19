# What the benchmarks share; to be sourced: options, the build, and CRIU.

. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
. "$ROOT/scripts/lib/filler.sh"

# bench_options HELP_LINES "--a --b ..." "$@": those options take a value and go into ARGUMENTS; --built takes no build.
# HELP_LINES: the last line of the script's head that is its help.
bench_options() {
    local lines=$1 known=$2 built=0
    shift 2
    ARGUMENTS=()
    while [ $# -gt 0 ]; do
        case $1 in
            --built) built=1; shift ;;
            -h | --help) sed -n "2,${lines}s/^# \{0,1\}//p" "$0"; exit 0 ;;
            *)
                [[ " $known " == *" $1 "* ]] || die "unknown argument: $1 (try --help)"
                [ $# -ge 2 ] || die "$1 needs a value"
                ARGUMENTS+=("$1" "$2")
                shift 2
                ;;
        esac
    done
    [ "$(id -u)" -eq 0 ] || die "CRIU needs root: run this as root"
    if [ "$built" -eq 0 ]; then
        "$ROOT/scripts/setup.sh"
        "$ROOT/scripts/build.sh"
    fi
    build_filler
    CRIU=${CHECKPOINTER_CRIU:-}
    [ -n "$CRIU" ] || CRIU=$ARTIFACTS/criu/sbin/criu
    [ -x "$CRIU" ] || CRIU=$(command -v criu) || die "no CRIU: run scripts/setup.sh"
}
