# Images of real programs for the container tests, each from Debian's packages of this release; to be sourced after containers.sh.
# A program whose packages cannot be had is left out: artifacts/program-images/NAME.reason says why, and its tests are skipped with that.

PROGRAMS_BASE=(base-files base-passwd bash coreutils findutils grep sed procps)
declare -A PROGRAM_PACKAGES=(
    [postgresql]="postgresql dash" # it starts its programs with sh
    [java]=default-jre-headless # its compiler comes along: a program runs from its source
    [node]=nodejs
    [torch]=python3-torch
)
PROGRAMS_LONG=(torch) # 0.9 GiB: only with --long
# What is large, and used by nothing that the tests run: just-in-time compilation of queries, desktop graphics, test programs.
declare -A PROGRAM_LEAVES_OUT=(
    [postgresql]='usr/lib/*/libLLVM* usr/lib/postgresql/*/lib/bitcode'
    [torch]='usr/lib/libtorch-test'
)
PROGRAM_USER='program:x:1000:1000::/home/program:/bin/bash' # who is not root in them

# program_debs WORK NAME: the file names of its packages and of all that they depend on.
program_debs() {
    # shellcheck disable=SC2086 # package names are words
    apt-get -q -y --no-install-recommends --print-uris -o Dir::Cache::archives="$1/nothing/" install "${PROGRAMS_BASE[@]}" ${PROGRAM_PACKAGES[$2]} |
        awk "/^'/ { print \$2 }"
}

# unpack_program WORK NAME OUT
unpack_program() {
    local work=$1 name=$2 root=$1/$2 debs pattern
    mkdir -p "$work/nothing/partial"
    mapfile -t debs < <(program_debs "$work" "$name")
    # shellcheck disable=SC2086
    run_quietly "downloading $name" apt-get -q -y --no-install-recommends --download-only -o Debug::NoLocking=true \
        install "${PROGRAMS_BASE[@]}" ${PROGRAM_PACKAGES[$name]} && [ ${#debs[@]} -gt "${#PROGRAMS_BASE[@]}" ] || return
    unpack_root "$root" "${debs[@]/#/$work/apt/cache/archives/}" || return
    for pattern in ${PROGRAM_LEAVES_OUT[$name]:-}; do
        # shellcheck disable=SC2086 # a pattern
        rm -rf "$root"/$pattern
    done
    echo "$PROGRAM_USER" >>"$root/etc/passwd"
    # Of several libraries for linear algebra Debian's alternatives choose one when they are configured.
    for pattern in blas lapack; do
        find "$root/usr/lib" -path "*/$pattern/lib$pattern.so.3" -printf "%P\n" | while read -r library; do
            ln -sfn "$pattern/lib$pattern.so.3" "$root/usr/lib/${library%%/*}/lib$pattern.so.3"
        done
    done
    mkdir -p "$root/home/program" && chown 1000:1000 "$root/home/program" || return
    python3 "$ROOT/tests/containers/image.py" "$3" "localhost/$name:1" --rootfs "$root" -- /bin/bash && rm -rf "$root"
}

program_key() {
    (declare -f unpack_root unpack_program; echo "$2 ${PROGRAMS_BASE[*]} ${PROGRAM_PACKAGES[$1]} ${PROGRAM_LEAVES_OUT[$1]:-} $PROGRAM_USER"; cat "$ROOT/tests/containers/image.py") |
        sha256sum | cut -c 1-16
}

# programs_install CACHE LONG: fills artifacts/program-images with links to NAME.tar, or with NAME.reason.
programs_install() {
    local cache=$1/programs long=$2 images=$ARTIFACTS/program-images name suite mirror work=
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
    mkdir -p "$cache" "$images"
    for name in "${!PROGRAM_PACKAGES[@]}"; do
        local home=$cache/$name-$(program_key "$name" "$suite").tar
        rm -f "$images/$name.tar" "$images/$name.reason"
        if [ ! -e "$home" ]; then
            if [ "$long" -eq 0 ] && [[ " ${PROGRAMS_LONG[*]} " == *" $name "* ]]; then
                echo "it is large, and only scripts/setup.sh --programs --long makes it" >"$images/$name.reason"
                continue
            fi
            mirror=$(debian_mirror) && [ -n "$mirror" ] || { echo "this system's apt sources name no Debian archive" >"$images/$name.reason"; continue; }
            [ -n "$work" ] || work=$(mktemp -d "$cache/unpack.XXXXXX")
            if ! (
                private_apt "$work" "$mirror" "$suite"
                { [ -e "$work/updated" ] || { run_quietly "reading Debian's package lists" apt-get -q update && touch "$work/updated"; }; } &&
                    unpack_program "$work" "$name" "$work/$name.tar"
            ); then
                echo "Debian's packages of ${PROGRAM_PACKAGES[$name]} could not be fetched or unpacked" >"$images/$name.reason"
                say "setup: no $name here, its tests will be skipped: $(cat "$images/$name.reason")"
                continue
            fi
            mv "$work/$name.tar" "$home"
            DID+=("made an image of $name")
        fi
        ln -sfn "$home" "$images/$name.tar"
    done
    [ -z "$work" ] || rm -rf "$work"
}
