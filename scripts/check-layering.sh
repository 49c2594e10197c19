#!/usr/bin/env bash
# Proves that the build refuses broken layers: breaks a temporary copy in each way and wants the build to fail with the
# right code. Prints one line for each rule and exits 1 when one of them does not hold.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

COPY=$(mktemp -d)
trap 'rm -rf "$COPY"' EXIT
PASSED=0
FAILED=0

fresh_copy() {
    rm -rf "${COPY:?}"/*
    # Files as they stand, committed or not; without outputs.
    (cd "$ROOT" && git ls-files --cached --others --exclude-standard -z -- src '*.props' '*.targets' '.editorconfig' 'global.json' |
        while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
        xargs -0 cp --parents -t "$COPY")
}

# expect CODE PROJECT TITLE: the copy's PROJECT must not build, and must say CODE.
expect() {
    local code=$1 project=$2 title=$3 log=$COPY/build.log
    if dotnet build "$COPY/src/$project/$project.csproj" -v q -nologo -m:1 /nr:false -p:UseSharedCompilation=false >"$log" 2>&1; then
        FAILED=$((FAILED + 1))
        say "  NOT refused: $title"
    elif grep -q "error $code" "$log"; then
        PASSED=$((PASSED + 1))
        say "  refused ($code): $title"
    else
        FAILED=$((FAILED + 1))
        say "  failed, but without $code: $title"
        grep -m 3 'error' "$log" >&2 || tail -n 5 "$log" >&2
    fi
}

add_reference() { sed -i "s|</Project>|<ItemGroup><ProjectReference Include=\"../$2/$2.csproj\" /></ItemGroup></Project>|" "$COPY/src/$1/$1.csproj"; }
add_class() { printf 'namespace Checkpointer.Broken;\n\ninternal static partial class Broken\n{\n    %s\n}\n' "$2" >"$COPY/src/$1/Broken.cs"; }

fresh_copy
add_reference Checkpointer.Platform Checkpointer.Repository
sed -i 's|<ProjectReference[^>]*>||' "$COPY/src/Checkpointer.Repository/Checkpointer.Repository.csproj"
expect LAYER002 Checkpointer.Platform "the platform references the repository"

fresh_copy
sed -i 's|<ProjectReference[^>]*>||' "$COPY/src/Checkpointer.Engine/Checkpointer.Engine.csproj"
add_reference Checkpointer.Repository Checkpointer.Engine
expect LAYER002 Checkpointer.Repository "the repository references the engine"

fresh_copy
mkdir -p "$COPY/src/Checkpointer.Extra"
echo '<Project Sdk="Microsoft.NET.Sdk" />' >"$COPY/src/Checkpointer.Extra/Checkpointer.Extra.csproj"
expect LAYER001 Checkpointer.Extra "a project without a layer"

fresh_copy
sed -i 's|</Project>|<PropertyGroup><AllowUnsafeBlocks>true</AllowUnsafeBlocks></PropertyGroup></Project>|' "$COPY/src/Checkpointer.Repository/Checkpointer.Repository.csproj"
rm -rf "$COPY/src/Checkpointer.Platform"/*/
expect LAYER003 Checkpointer.Repository "unsafe code allowed in the repository"

# The rest are compiler diagnostics: one small project that is a layer of its own shows them without building the others.
fresh_copy
mv "$COPY/src/Checkpointer.Repository/Checkpointer.Repository.csproj" "$COPY/keep"
rm -rf "$COPY/src/Checkpointer.Repository"
mkdir -p "$COPY/src/Checkpointer.Repository"
sed 's|<ProjectReference[^>]*>||' "$COPY/keep" >"$COPY/src/Checkpointer.Repository/Checkpointer.Repository.csproj"
while IFS='|' read -r code title body; do
    add_class Checkpointer.Repository "$body"
    expect "$code" Checkpointer.Repository "$title"
done <<'RULES'
RS0030|DllImport outside the platform|[System.Runtime.InteropServices.DllImport("libc")] private static extern int getpid();
SYSLIB1062|LibraryImport outside the platform|[System.Runtime.InteropServices.LibraryImport("libc")] private static partial int getpid();
RS0030|the clock without TimeProvider|internal static System.DateTimeOffset Now => System.DateTimeOffset.UtcNow;
RS0030|a child process without CliWrap|internal static void Run() => System.Diagnostics.Process.Start("true");
RS0030|an uncancellable wait|internal static void Wait() => System.Threading.Thread.Sleep(1);
RULES

printf '%d passed, %d failed, 0 skipped\n' "$PASSED" "$FAILED"
[ "$FAILED" -eq 0 ]
