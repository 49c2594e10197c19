# Shared by the scripts of this folder; to be sourced. Messages go to stderr, so that a script's result can be read from stdout.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ARTIFACTS=$ROOT/artifacts
BIN=$ARTIFACTS/bin

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# version_at_least HAVE NEED: compares dotted versions.
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# run_quietly TITLE COMMAND...: shows a command's output only when it fails.
run_quietly() {
    local title=$1 log rc=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 || rc=$?
    if [ "$rc" -ne 0 ]; then
        say "$title failed (exit $rc):"
        tail -n 40 "$log" >&2
    fi
    rm -f "$log"
    return "$rc"
}
