# Finding CRIU, or unpacking Debian's newest one into a private prefix; to be sourced after common.sh.

CRIU_MINIMUM=4.2 # 4.1 cannot dump inet sockets on kernels >= 6.13
CRIU_MARK=.unpacked-by-checkpointer # only a folder with this file is ever replaced

criu_version() { "$1" --version 2>/dev/null | sed -n 's/^Version: *//p'; }

criu_is_new_enough() {
    local version
    version=$(criu_version "$1") && [ -n "$version" ] && version_at_least "$version" "$CRIU_MINIMUM"
}

# criu_cached CACHE: sets CRIU_PREFIX to an unpacked CRIU that runs.
criu_cached() {
    local candidate candidates=()
    if [ -n "${CHECKPOINTER_PREFIX:-}" ]; then
        candidates=("$CHECKPOINTER_PREFIX")
    else
        mapfile -t candidates < <(ls -dr "$1"/criu/*/ 2>/dev/null | sort -rV)
    fi
    for candidate in "${candidates[@]}"; do
        candidate=${candidate%/}
        if [ -x "$candidate/sbin/criu" ] && criu_is_new_enough "$candidate/sbin/criu"; then
            CRIU_PREFIX=$candidate
            return 0
        fi
    done
    return 1
}

# The Debian archive that the system's own apt sources name for its release.
debian_mirror() {
    local codename
    [ -z "${CHECKPOINTER_DEBIAN_MIRROR:-}" ] || { echo "$CHECKPOINTER_DEBIAN_MIRROR"; return; }
    codename=$(. /etc/os-release && [ "$ID" = debian ] && echo "${VERSION_CODENAME:-}") || return 1
    apt-get indextargets --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
        awk -v release="$codename" '$1 == "Packages" && ($2 == release || $2 == "sid" || $2 == "unstable") && $3 == "main" { print $4; exit }'
}

# private_apt WORK MIRROR SUITE: an apt of our own: its lists, cache and dpkg status are private, its only source is that suite.
private_apt() {
    local work=$1 mirror=$2 suite=$3 keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -r "$keyring" ] || die "no $keyring to verify Debian's packages with: install debian-archive-keyring"
    mkdir -p "$work"/apt/{lists/partial,cache/archives/partial,etc/preferences.d}
    touch "$work/apt/status"
    echo "deb [signed-by=$keyring] $mirror $suite main" >"$work/apt/etc/sources.list"
    cat >"$work/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/apt/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$work/apt/etc/preferences.d";
Dir::State::lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG=$work/apt/apt.conf
}

# The package and the closure of the libraries it depends on (interpreters and maintainer tools are not needed to run it).
library_closure() {
    local queue=("$1") package dependency
    local -A seen=(["$1"]=1)
    while [ ${#queue[@]} -gt 0 ]; do
        package=${queue[0]}
        queue=("${queue[@]:1}")
        echo "$package"
        while read -r dependency; do
            case $dependency in libpython* | libc-bin | '<'*) continue ;; esac
            [ -z "${seen[$dependency]:-}" ] || continue
            seen[$dependency]=1
            queue+=("$dependency")
        done < <(apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$package" |
            sed -n 's/^ *|\{0,1\}\(Pre\)\{0,1\}Depends: \(lib[^:]*\).*/\2/p')
    done
}

# patch_prefix UNPACKED FINAL: makes the binary and its libraries find each other, and only each other, under FINAL.
patch_prefix() {
    local unpacked=$1 final=$2 file
    patchelf --set-interpreter "$final/lib/$(basename "$(patchelf --print-interpreter "$unpacked/sbin/criu")")" \
        --force-rpath --set-rpath "$final/lib" "$unpacked/sbin/criu"
    for file in "$unpacked"/lib/*.so*; do
        case $(basename "$file") in ld-linux* | libc.so.*) continue ;; esac
        patchelf --force-rpath --set-rpath "$final/lib" "$file"
    done
}

# criu_unpack CACHE: downloads CRIU with its libraries and sets CRIU_PREFIX. The caller holds the lock.
criu_unpack() {
    local cache=$1 mirror version work triplet
    mirror=$(debian_mirror) && [ -n "$mirror" ] ||
        die "CRIU >= $CRIU_MINIMUM is not in PATH and this system's apt sources name no Debian archive to take it from: install CRIU, or set CHECKPOINTER_DEBIAN_MIRROR"
    if [ -n "${CHECKPOINTER_PREFIX:-}" ] && [ ! -e "$CHECKPOINTER_PREFIX/$CRIU_MARK" ] && [ -n "$(ls -A "$CHECKPOINTER_PREFIX" 2>/dev/null)" ]; then
        die "CHECKPOINTER_PREFIX=$CHECKPOINTER_PREFIX is not empty and not one of ours: name a new folder"
    fi
    work=$(mktemp -d "$cache/unpack.XXXXXX")
    (
        trap 'rm -rf "$work/apt" "$work/debs" "$work/root"' EXIT
        private_apt "$work" "$mirror" unstable
        run_quietly "reading Debian's package lists" apt-get -q update || exit 1
        mkdir -p "$work/debs" "$work/root" "$work/prefix"/{sbin,lib}
        apt-cache show criu | sed -n 's/^Version: *//p' | head -n 1 >"$work/version"
        library_closure criu >"$work/packages"
        cd "$work/debs"
        # shellcheck disable=SC2046 # package names are words
        run_quietly "downloading CRIU" apt-get -q download $(cat "$work/packages") || exit 1
        for deb in *.deb; do dpkg-deb -x "$deb" "$work/root"; done
        triplet=$(basename "$(dirname "$(find "$work/root/usr/lib" -name 'libc.so.6' | head -n 1)")")
        cp "$work/root/usr/sbin/criu" "$work/prefix/sbin/criu"
        cp -L "$work/root/usr/lib/$triplet"/*.so.* "$work/prefix/lib/"
        cp -L "$(find "$work/root" -name 'ld-linux-*.so.*' | head -n 1)" "$work/prefix/lib/"
    ) || { rm -rf "$work"; die "could not unpack CRIU"; }
    version=$(cat "$work/version")
    CRIU_PREFIX=${CHECKPOINTER_PREFIX:-$cache/criu/$version}
    patch_prefix "$work/prefix" "$CRIU_PREFIX"
    touch "$work/prefix/$CRIU_MARK"
    mkdir -p "$(dirname "$CRIU_PREFIX")"
    [ ! -e "$CRIU_PREFIX/$CRIU_MARK" ] || rm -rf "$CRIU_PREFIX"
    mv -T "$work/prefix" "$CRIU_PREFIX"
    rm -rf "$work"
    criu_is_new_enough "$CRIU_PREFIX/sbin/criu" ||
        die "the unpacked CRIU in $CRIU_PREFIX says '$("$CRIU_PREFIX/sbin/criu" --version 2>&1 | head -n 1)'; at least $CRIU_MINIMUM is needed"
}
