#!/usr/bin/env bash
# Prepares this machine for building and testing: checks .NET, installs what is missing, provides CRIU, and Azurite
# and containerd for the tests. --programs: also images of real programs (PostgreSQL, Java, Node.js) for the container tests;
# --programs --long: also of large ones (PyTorch).
# Idempotent; safe to run twice at once; never changes the system's apt sources or its libc.
#
#   CHECKPOINTER_PREFIX         where a CRIU of our own is unpacked (default: <cache>/checkpointer/criu/<version>)
#   CHECKPOINTER_DEBIAN_MIRROR  the Debian archive to take it from (default: the one in the system's apt sources)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/criu.sh"
. "$ROOT/scripts/lib/azurite.sh"
. "$ROOT/scripts/lib/containers.sh"
. "$ROOT/scripts/lib/programs.sh"

if [ "$(id -u)" -eq 0 ]; then
    CACHE=${XDG_CACHE_HOME:-/var/cache}/checkpointer
else
    CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/checkpointer
fi
PROGRAMS=0
LONG=0
for argument in "$@"; do
    case $argument in
        --programs) PROGRAMS=1 ;;
        --long) LONG=1 ;;
        *) die "unknown argument: $argument" ;;
    esac
done
LOCK_TIMEOUT=900 # seconds: another setup may be downloading
DID=()

check_dotnet() {
    have dotnet || die ".NET 10 SDK not found. Install it (package dotnet-sdk-10.0, or https://dot.net) and run this again."
    dotnet --list-sdks 2>/dev/null | grep -q '^10\.' ||
        die ".NET 10 SDK not found; 'dotnet --list-sdks' has: $(dotnet --list-sdks 2>/dev/null | cut -d' ' -f1 | tr '\n' ' '). Install SDK 10.0."
}

# apt_install PACKAGE...: one update, one install, patient with other users of dpkg's lock.
apt_install() {
    have apt-get || die "missing: $*; this system has no apt-get, so install their equivalents and run this again"
    [ "$(id -u)" -eq 0 ] || die "missing: $*; install them (sudo apt-get install -y $*) or run this as root"
    run_quietly "apt-get update" apt-get -q -o DPkg::Lock::Timeout=300 update || true
    DEBIAN_FRONTEND=noninteractive run_quietly "apt-get install $*" \
        apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@" ||
        die "could not install: $*"
    DID+=("installed $*")
}

check_packages() {
    local missing=()
    have gcc || have clang || missing+=(gcc)
    have cmake || missing+=(cmake)
    have make || have ninja || missing+=(make)
    have patchelf || missing+=(patchelf)
    have python3 || missing+=(python3)
    have unshare || missing+=(util-linux)
    have pgrep || missing+=(procps)
    have ip || missing+=(iproute2)
    have redis-cli || missing+=(redis-tools)
    # Native AOT links with zlib, and the shim is static: headers and libc.a are asked of the compiler, not of dpkg.
    if [ ${#missing[@]} -eq 0 ] || [ "${missing[0]}" != gcc ]; then
        echo '#include <zlib.h>' | "${CC:-cc}" -E - >/dev/null 2>&1 || missing+=(zlib1g-dev)
        [ -e "$("${CC:-cc}" -print-file-name=libc.a)" ] || missing+=(libc6-dev)
    else
        missing+=(zlib1g-dev libc6-dev)
    fi
    [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
    link_redis
}

# Debian's redis-tools holds the whole server: redis-server is another name of redis-check-rdb. The package redis-server
# would start a service of its own on this machine, so it is not installed.
link_redis() {
    have redis-server && return
    mkdir -p "$ARTIFACTS/tools"
    ln -sfn "$(command -v redis-check-rdb)" "$ARTIFACTS/tools/redis-server"
}

provide_criu() {
    local found
    if found=$(command -v criu) && criu_is_new_enough "$found"; then
        rm -f "$ARTIFACTS/criu"
        CRIU=$found
        return
    fi
    criu_cached "$CACHE" || { criu_unpack "$CACHE"; DID+=("unpacked CRIU into $CRIU_PREFIX"); }
    ln -sfn "$CRIU_PREFIX" "$ARTIFACTS/criu"
    CRIU=$ARTIFACTS/criu/sbin/criu
}

# Without it the tests that need it are skipped by name.
provide_azurite() {
    have node || (apt_install nodejs) || true
    azurite_install "$CACHE" || {
        rm -f "$ARTIFACTS/azurite"
        say "setup: no Azurite here, tests with it will be skipped: $AZURITE_REASON"
    }
}

# Without it the container tests are skipped by name.
provide_containers() {
    CONTAINERS_REASON=
    if containers_install "$CACHE"; then
        [ "$PROGRAMS" -eq 0 ] || programs_install "$CACHE" "$LONG"
    else
        say "setup: no container runtime here, tests with it will be skipped: $CONTAINERS_REASON"
    fi
}

check_dotnet
mkdir -p "$ARTIFACTS" "$CACHE"
exec 9>"$CACHE/setup.lock"
flock -w "$LOCK_TIMEOUT" 9 || die "another setup has held $CACHE/setup.lock for $LOCK_TIMEOUT s"
check_packages
provide_criu
provide_azurite
provide_containers
[ ${#DID[@]} -eq 0 ] || printf 'setup: %s\n' "${DID[@]}" >&2
if ! output=$("$CRIU" check 2>&1); then
    say "setup: warning: 'criu check' says no; checkpoints will not work here (root and CAP_CHECKPOINT_RESTORE are needed):"
    say "$(printf '%s\n' "$output" | grep -v RLIMIT_NOFILE | tail -n 3)"
fi
say "setup: .NET $(dotnet --version), CRIU $(criu_version "$CRIU") at $CRIU$(containers_versions): ready"
