# Azurite, the emulator of Azure Blob Storage, for the tests; to be sourced after common.sh.
# It is a package of npm with a lock file; node comes from the system or from Debian, npm from PATH or as its own package.

NODE_MINIMUM=20      # major version; Azurite's own runs and all tests were seen with 20
NPM_VERSION=11.6.2   # only used where the system has no npm
NPM_REGISTRY=${NPM_CONFIG_REGISTRY:-https://registry.npmjs.org}
AZURITE_TIMEOUT=600  # seconds for some 450 packages
AZURITE_MARK=.complete

node_major() { node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p'; }

# npm_command WORK: sets NPM to npm of this system, or to one unpacked into WORK.
npm_command() {
    if have npm; then
        NPM=(npm)
        return 0
    fi
    node -e '
        const https = require("https"), fs = require("fs");
        const [url, to] = process.argv.slice(1);
        https.get(url, r => r.statusCode === 200 ? r.pipe(fs.createWriteStream(to)) : process.exit(1)).on("error", () => process.exit(1));
    ' "${NPM_REGISTRY%/}/npm/-/npm-$NPM_VERSION.tgz" "$1/npm.tgz" && tar -xzf "$1/npm.tgz" -C "$1" || return 1
    NPM=(node "$1/package/bin/npm-cli.js")
}

# azurite_install CACHE: links artifacts/azurite to an installation for this lock file. Says why, and fails, where there can be none.
azurite_install() {
    local key home work major
    major=$(node_major)
    if [ -z "$major" ] || [ "$major" -lt "$NODE_MINIMUM" ]; then
        AZURITE_REASON="it needs node.js $NODE_MINIMUM or newer, and this system has ${major:-none}"
        return 1
    fi
    key=$(cat "$ROOT/tests/azurite/package.json" "$ROOT/tests/azurite/package-lock.json" | sha256sum | cut -c 1-16)
    home=$1/azurite/$key
    if [ ! -e "$home/$AZURITE_MARK" ]; then
        mkdir -p "$1/azurite"
        work=$(mktemp -d "$1/azurite/unpack.XXXXXX")
        cp "$ROOT/tests/azurite/package.json" "$ROOT/tests/azurite/package-lock.json" "$work/"
        if ! npm_command "$work" ||
            ! (cd "$work" && run_quietly "npm ci" timeout "$AZURITE_TIMEOUT" "${NPM[@]}" ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error --cache "$work/.npm"); then
            rm -rf "$work"
            AZURITE_REASON="its packages could not be fetched from npm"
            return 1
        fi
        rm -rf "$work/.npm" "$work/npm.tgz" "$work/package"
        touch "$work/$AZURITE_MARK"
        rm -rf "$home"
        mv "$work" "$home"
        DID+=("installed Azurite into $home")
    fi
    ln -sfn "$home" "$ARTIFACTS/azurite"
}
