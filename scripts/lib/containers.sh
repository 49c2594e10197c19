# A container runtime and a root file system for the container tests, from Debian's packages; to be sourced after common.sh and criu.sh.
# Nothing is installed: packages of this Debian's own release are unpacked into a private prefix.

CONTAINERD_MINIMUM=1.6 # CRI v1
RUNC_MINIMUM=1.1       # cgroup v2, and idempotent delete
PLUGINS_MINIMUM=1.1
RUNTIME_PACKAGES=(containerd runc containernetworking-plugins libseccomp2 tini)
RUNTIME_MARK=.complete
# What the real programs of the tests need, as a root file system of its own; whatever these depend on comes along.
TOOLS_PACKAGES=(base-files base-passwd bash coreutils findutils grep sed procps python3 redis-tools nginx-light)

containerd_version() { "$1" --version 2>/dev/null | awk '{ print $3 }'; }
runc_version() { "$1" --version 2>/dev/null | sed -n 's/^runc version //p'; }
plugins_version() { "$1" 2>&1 </dev/null | sed -n 's/.* plugin \(.*\)/\1/p' | tr -d v; }

# bare_version TEXT: without Debian's suffixes, so that 1.6.20~ds1 is not older than 1.6.
bare_version() { printf '%s' "${1%%[~+-]*}"; }

# runtime_is_usable PREFIX: every program of it runs here and is new enough.
runtime_is_usable() {
    local version
    version=$(containerd_version "$1/bin/containerd") && version_at_least "$(bare_version "$version")" "$CONTAINERD_MINIMUM" || return
    version=$(runc_version "$1/bin/runc") && version_at_least "$(bare_version "$version")" "$RUNC_MINIMUM" || return
    version=$(plugins_version "$1/cni/bridge") && [ -n "$version" ] && version_at_least "$(bare_version "$version")" "$PLUGINS_MINIMUM" || return
    [ -x "$1/bin/containerd-shim-runc-v2" ] && [ -x "$1/bin/ctr" ] && [ -x "$1/bin/tini" ]
}

# containers_versions: for the closing line of setup.
containers_versions() {
    local prefix=$ARTIFACTS/container-runtime
    [ ! -e "$prefix" ] || printf ', containerd %s, runc %s' "$(containerd_version "$prefix/bin/containerd")" "$(runc_version "$prefix/bin/runc")"
}

# A runc whose library this system lacks gets it by its full path: runc starts itself again without our environment.
patch_runc() {
    local unpacked=$1 final=$2
    if ldd "$unpacked/bin/runc" | grep -q 'not found'; then
        patchelf --set-rpath "$final/lib" "$unpacked/bin/runc"
    fi
}

# unpack_runtime WORK FINAL: fills WORK/prefix with what lies at FINAL later.
unpack_runtime() {
    local work=$1 final=$2 root=$1/runtime
    mkdir -p "$work/runtime-debs" "$root" "$work/prefix"/{bin,cni,lib}
    (cd "$work/runtime-debs" && run_quietly "downloading containerd" apt-get -q download "${RUNTIME_PACKAGES[@]}") || return
    for deb in "$work/runtime-debs"/*.deb; do dpkg-deb -x "$deb" "$root" || return; done
    cp "$root"/usr/bin/{containerd,containerd-shim-runc-v2,ctr} "$root/usr/sbin/runc" "$work/prefix/bin/" &&
        cp "$root/usr/bin/tini-static" "$work/prefix/bin/tini" &&
        cp "$root"/usr/lib/cni/* "$work/prefix/cni/" &&
        cp -L "$(find "$root/usr/lib" "$root/lib" -name 'libseccomp.so.2' 2>/dev/null | head -n 1)" "$work/prefix/lib/" &&
        patch_runc "$work/prefix" "$final"
}

# unpack_root ROOT DEB...: a root file system without documentation, as Debian's packages lay it out; no maintainer script is run.
unpack_root() {
    local root=$1 folder deb
    shift
    mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{dev,proc,sys,run,tmp,root,etc}
    for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
    for deb in "$@"; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink --numeric-owner \
            --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' --exclude='./usr/share/info' \
            --exclude='./usr/share/perl*' --exclude='./usr/lib/*/perl*' --exclude='./usr/lib/*/gconv' || return
    done
    chmod 1777 "$root/tmp"
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
    # What is only there to be configured would be built into every layer.
    rm -rf "$root"/usr/share/{zoneinfo,icons,bash-completion,lintian,bug,vim,sounds}
}

# unpack_tools WORK: the root file system of the small programs, as an image.
unpack_tools() {
    local work=$1 root=$1/tools
    mkdir -p "$work/prefix"
    run_quietly "downloading the tools' packages" apt-get -q -y --no-install-recommends --download-only \
        -o Debug::NoLocking=true -o APT::Install-Recommends=false install "${TOOLS_PACKAGES[@]}" || return
    unpack_root "$root" "$work/apt/cache/archives"/*.deb || return
    [ -e "$root/usr/bin/redis-server" ] || ln -s redis-check-rdb "$root/usr/bin/redis-server"
    rm -rf "$root/usr/lib/python3/dist-packages"
    python3 "$ROOT/tests/containers/image.py" "$work/prefix/tools.tar" localhost/tools:1 --rootfs "$root" -- /bin/bash
}

# containers_install CACHE: links artifacts/container-runtime to what is unpacked, or says why there is none (CONTAINERS_REASON) and fails.
containers_install() {
    local cache=$1 mirror suite key home work
    rm -f "$ARTIFACTS/container-runtime"
    mirror=$(debian_mirror) && [ -n "$mirror" ] || {
        CONTAINERS_REASON="this system's apt sources name no Debian archive to take containerd from; set CHECKPOINTER_DEBIAN_MIRROR"
        return 1
    }
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
    key=$( (declare -f unpack_runtime unpack_root unpack_tools; echo "$suite ${RUNTIME_PACKAGES[*]} ${TOOLS_PACKAGES[*]}"; cat "$ROOT/tests/containers/image.py") | sha256sum | cut -c 1-16)
    home=$cache/containers/$key
    if [ ! -e "$home/$RUNTIME_MARK" ]; then
        mkdir -p "$cache/containers"
        work=$(mktemp -d "$cache/containers/unpack.XXXXXX")
        if ! (
            private_apt "$work" "$mirror" "$suite"
            run_quietly "reading Debian's package lists" apt-get -q update && unpack_runtime "$work" "$home" && unpack_tools "$work"
        ); then
            rm -rf "$work"
            CONTAINERS_REASON="Debian's packages could not be fetched or unpacked"
            return 1
        fi
        touch "$work/prefix/$RUNTIME_MARK"
        rm -rf "$home"
        mv -T "$work/prefix" "$home"
        rm -rf "$work"
        DID+=("unpacked containerd into $home")
    fi
    runtime_is_usable "$home" || {
        CONTAINERS_REASON="the containerd unpacked in $home does not run here, or is older than $CONTAINERD_MINIMUM (runc $RUNC_MINIMUM)"
        return 1
    }
    ln -sfn "$home" "$ARTIFACTS/container-runtime"
}

CONTAINER_IMAGES=$ARTIFACTS/container-images

# patch_criu WORK: for machines without CAP_SYS_RESOURCE, a copy of CRIU that reads other users' limits from /proc.
patch_criu() {
    local criu=$ARTIFACTS/criu/sbin/criu
    [ $((0x$(awk '/^CapEff:/ { print $2 }' /proc/self/status) >> 24 & 1)) -eq 0 ] && [ -x "$criu" ] || return 0
    run_quietly "compiling limits.c" "${CC:-cc}" -O2 -Wall -Wextra -Werror -shared -fPIC -o "$1/limits.so" "$ROOT/tests/containers/limits.c" &&
        cp "$criu" "$1/criu" && patchelf --add-needed "$1/limits.so" "$1/criu" && mv -f "$1/criu" "$CONTAINER_IMAGES/criu"
}

# build_container_images: the pause image and the self-checking workload, from static programs. Only what is older than its sources.
build_container_images() {
    local sources=$ROOT/tests/workloads/container work=$CONTAINER_IMAGES/work make=$ROOT/tests/containers/image.py options=() name
    [ -e "$ARTIFACTS/container-runtime" ] || return 0
    mkdir -p "$work"
    if [ -z "$(find "$sources" "$ROOT/tests/containers" "$ROOT/scripts/lib/containers.sh" "$ARTIFACTS/container-runtime/" -maxdepth 1 -newer "$CONTAINER_IMAGES/workload.tar" 2>&1)" ]; then
        return 0
    fi
    patch_criu "$work" && run_quietly "compiling the pause program" "${CC:-cc}" -O2 -Wall -Wextra -Werror -static -o "$work/pause" "$sources/pause.c" &&
        run_quietly "compiling the container workload" "${CC:-cc}" -O2 -Wall -Wextra -Werror -static -pthread -o "$work/workload" \
            "$sources"/{main,memory,processes,shared,sockets,pipes,files,identity,pod}.c || return
    for name in changed deleted renamed kept dir/a dir/b; do
        mkdir -p "$work/image/dir"
        echo "from the image" >"$work/image/$name"
        chmod 666 "$work/image/$name"
        options+=(--add "$work/image/$name=/image/$name")
    done
    python3 "$make" "$CONTAINER_IMAGES/pause.tar" localhost/pause:1 --add "$work/pause=/pause" -- /pause &&
        python3 "$make" "$CONTAINER_IMAGES/workload.tar" localhost/workload:1 --directory /tmp:1777 --directory /image:777 --directory /image/dir:777 \
            --add "$work/workload=/workload" --add "$ARTIFACTS/container-runtime/bin/tini=/tini" "${options[@]}" -- /workload
}
