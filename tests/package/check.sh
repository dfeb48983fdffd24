#!/usr/bin/env bash
# Programs of strangers: made outside of the repository, they know the package only. Each is published in one of the ways that
# .NET has, run, and its numbers checked; then what it says when something is missing. Prints PASS, FAIL or SKIP per case.
# check.sh FOLDER_OF_PACKAGES FOLDER_FOR_NUGET [wine]: with wine the program is published for Windows and run under it.
set -uo pipefail
feed=$(realpath "$1")
mkdir -p "$2"
export NUGET_PACKAGES DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
NUGET_PACKAGES=$(realpath "$2")
mode="${3:-linux}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # another user runs some of it
unset CONVNATIVE_OPENBLAS CONVNATIVE_MAX_ISA

package=$(basename "$feed"/ConvNative.[0-9]*.nupkg .nupkg)
version=${package#ConvNative.}
rm -rf "$NUGET_PACKAGES/convnative" # the feed's package may have changed under the same version
cat >"$work/nuget.config" <<CONFIG
<configuration>
  <packageSources>
    <clear />
    <add key="local" value="$feed" />
    <add key="nuget.org" value="https://api.nuget.org/v3/index.json" />
  </packageSources>
  <packageSourceMapping>
    <packageSource key="local"><package pattern="ConvNative" /></packageSource>
    <packageSource key="nuget.org"><package pattern="*" /></packageSource>
  </packageSourceMapping>
</configuration>
CONFIG

failures=0
pass() { printf 'PASS %s\n' "$1"; }
skip() { printf 'SKIP %s: %s\n' "$1" "$2"; }
fail() { # CASE: what it printed is in the log
    printf 'FAIL %s\n' "$1"
    sed 's/^/    /' "$work/log"
    failures=$((failures + 1))
}

# publish CASE [arguments of dotnet publish]: into $work/CASE/out; a warning is an error
publish() {
    local name="$1"
    shift
    mkdir -p "$work/$name"
    cp "$here"/Stranger/*.cs* "$work/$name/"
    (cd "$work/$name" && dotnet publish -c Release -o out "-p:ConvNativeVersion=$version" "$@") >"$work/log" 2>&1 && ! grep -q 'warning' "$work/log"
}

# expect CASE STATUS TEXT COMMAND...: the command ends with that status and prints the text
expect() {
    local name="$1" status="$2" text="$3" got=0
    shift 3
    "$@" >"$work/log" 2>&1 </dev/null || got=$?
    if ((got == status)) && grep -qF -- "$text" "$work/log"; then
        pass "$name"
    else
        printf 'ended with %s, expected %s and "%s"\n' "$got" "$status" "$text" >>"$work/log"
        fail "$name"
    fi
}

show() { sed 's/^/    /' "$work/log"; } # what the last program printed

# ---- Published in every way --------------------------------------------------------------------------------------------------

# way CASE OPENBLAS [arguments of dotnet publish]: the program runs, and with the package's own OpenBLAS
way() {
    local name="$1" openblas="$2" program="$work/$1/out/Stranger" command=()
    shift 2
    if ! publish "$name" "$@"; then
        fail "$name is published without a warning"
        return
    fi
    if [[ -f "$program.exe" ]]; then
        command=(wine "$program.exe")
    elif [[ -f "$program.runtimeconfig.json" ]]; then
        command=(dotnet "$program.dll")
    else
        command=("$program")
    fi
    expect "$name runs" 0 "every number is right" "${command[@]}"
    show
    if grep -q "OpenBLAS.*SINGLE_THREADED.*$openblas" "$work/log"; then pass "$name uses the package's OpenBLAS"; else fail "$name uses the package's OpenBLAS"; fi
    printf '    files: %s\n' "$(cd "$work/$name/out" && find . -type f ! -name '*.pdb' ! -name '*.dbg' ! -name 'System.*' ! -name 'Microsoft.*' -printf '%f %s, ' | sed 's/, $//')"
}

all_ways() {
    way framework-dependent libconvnative_openblas.so
    way single-file libconvnative_openblas.so -r linux-x64 --self-contained -p:PublishSingleFile=true -p:PublishTrimmed=true
    way single-file-unpacked libconvnative_openblas.so -r linux-x64 --self-contained -p:PublishSingleFile=true -p:PublishTrimmed=true \
        -p:IncludeNativeLibrariesForSelfExtract=true
    local compiler=()
    if ! command -v clang >/dev/null; then compiler=(-p:CppCompilerAndLinker=gcc); fi
    way native-aot libconvnative_openblas.so -r linux-x64 -p:PublishAot=true "${compiler[@]}"
    way native-aot-static "linked into the program" -r linux-x64 -p:PublishAot=true -p:ConvNativeStaticLink=true "${compiler[@]}"
    if publish native-aot-avx2 -r linux-x64 -p:PublishAot=true -p:IlcInstructionSet=x86-64-v3 "${compiler[@]}"; then
        expect "native-aot for AVX2 runs AVX2 kernels" 0 "instruction set Avx2" "$work/native-aot-avx2/out/Stranger"
    else
        fail "native-aot-avx2 is published without a warning"
    fi
    if compgen -G "$work/native-aot-static/out/*.so" >/dev/null; then
        ls "$work/native-aot-static/out" >"$work/log"
        fail "native-aot-static needs no library beside it"
    else
        pass "native-aot-static needs no library beside it"
    fi
}

# ---- Bad input ----------------------------------------------------------------------------------------------------------------

# A copy of the framework-dependent program in a folder of that name; prints its native folder.
copy_program() {
    mkdir -p "$work/$1"
    cp -r "$work/framework-dependent/out/." "$work/$1/"
    printf '%s' "$work/$1/runtimes/linux-x64/native"
}

missing_files() {
    local native
    native=$(copy_program "no helper")
    rm "$native/libconvnative_native.so"
    expect "without the helper: an exception with every path" 3 "no such file" dotnet "$work/no helper/Stranger.dll"
    show

    native=$(copy_program "no openblas")
    rm "$native/libconvnative_openblas.so"
    expect "without the packaged OpenBLAS: the system's or our own kernels" 0 "every number is right" dotnet "$work/no openblas/Stranger.dll"
    expect "OpenBLAS switched off: our own kernels" 0 "not looked for" env CONVNATIVE_OPENBLAS=none dotnet "$work/no openblas/Stranger.dll"
    expect "an explicit path that does not exist: an exception" 3 "/nowhere/libopenblas.so: no such file" \
        env CONVNATIVE_OPENBLAS=/nowhere/libopenblas.so dotnet "$work/no openblas/Stranger.dll"
    show
}

# The machine's number in an ELF header is at byte 18: 0xB7 is AArch64.
wrong_architecture() {
    local native file
    native=$(copy_program "wrong architecture")
    for file in "$native"/*.so; do printf '\xb7' | dd of="$file" bs=1 seek=18 conv=notrunc status=none; done
    expect "libraries of another architecture: an exception with the system's reason" 3 "libconvnative_native.so" dotnet "$work/wrong architecture/Stranger.dll"
    show
    cp "$work/framework-dependent/out/runtimes/linux-x64/native/libconvnative_native.so" "$native/"
    expect "an OpenBLAS of another architecture: the system's or our own kernels" 0 "every number is right" dotnet "$work/wrong architecture/Stranger.dll"
}

older_helper() {
    local native
    native=$(copy_program "older helper")
    printf '#include <stdint.h>\nuint32_t cn_abi_version(void) { return 0; }\n' >"$work/older.c"
    "${CC:-cc}" -shared -fPIC "$work/older.c" -o "$native/libconvnative_native.so"
    expect "an older helper: an exception with both versions" 3 "its ABI version is 0; it must be" dotnet "$work/older helper/Stranger.dll"
    show
}

# As a user who owns nothing, has no home and may gain nothing.
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs env -i PATH="$PATH" HOME=/nonexistent LANG=C.UTF-8 "$@"; }

odd_places() {
    local folder
    copy_program "Größe 測試 ñ" >/dev/null
    expect "a path that is not ASCII" 0 "every number is right" dotnet "$work/Größe 測試 ñ/Stranger.dll"
    mkdir "$work/żółć"
    cp -r "$work/native-aot/out" "$work/single-file/out" "$work/żółć/" 2>/dev/null
    cp -r "$work/native-aot/out/." "$work/żółć/aot"
    cp -r "$work/single-file/out/." "$work/żółć/single"
    expect "a path that is not ASCII, NativeAOT" 0 "every number is right" "$work/żółć/aot/Stranger"
    expect "a path that is not ASCII, single file" 0 "every number is right" "$work/żółć/single/Stranger"

    copy_program "read-only" >/dev/null
    chmod -R a-w "$work/read-only"
    if ((EUID == 0)); then
        for folder in native-aot single-file read-only; do chmod -R a+rX "$work/$folder"; done
        expect "a read-only folder, a user without rights" 0 "every number is right" as_nobody dotnet "$work/read-only/Stranger.dll"
        expect "a user without rights, NativeAOT" 0 "every number is right" as_nobody "$work/native-aot/out/Stranger"
        expect "a user without rights, single file" 0 "every number is right" as_nobody "$work/single-file/out/Stranger"
    else
        expect "a read-only folder" 0 "every number is right" dotnet "$work/read-only/Stranger.dll"
        skip "a user without rights" "only root can become one"
    fi
    chmod -R u+w "$work/read-only"
}

# A control group with half a processor, of whichever version this machine has.
half_a_processor() {
    local name="half a processor: one thread" group
    if group=/sys/fs/cgroup/cpu/convnative-$$ && mkdir "$group" 2>/dev/null && echo 50000 2>/dev/null >"$group/cpu.cfs_quota_us"; then :
    elif group=/sys/fs/cgroup/convnative-$$ && mkdir "$group" 2>/dev/null && echo "50000 100000" 2>/dev/null >"$group/cpu.max"; then :
    else
        rmdir /sys/fs/cgroup/cpu/convnative-$$ /sys/fs/cgroup/convnative-$$ 2>/dev/null
        skip "$name" "no control group can be made here"
        return
    fi
    if ! sh -c "echo \$\$ >'$group/cgroup.procs'" 2>/dev/null; then # a real-time process may not, for one
        rmdir "$group"
        skip "$name" "this process may not join a control group"
        return
    fi
    expect "$name" 0 "every number is right" sh -c "echo \$\$ >'$group/cgroup.procs' && exec dotnet '$work/framework-dependent/out/Stranger.dll'"
    if grep -q '^threads *1$' "$work/log"; then pass "$name, told by Describe"; else fail "$name, told by Describe"; fi
    rmdir "$group" /sys/fs/cgroup/cpu/convnative-$$ /sys/fs/cgroup/convnative-$$ 2>/dev/null
}

linux_cases() {
    all_ways
    if [[ -f "$work/framework-dependent/out/Stranger.dll" ]]; then
        missing_files
        wrong_architecture
        older_helper
        odd_places
        half_a_processor
    fi
}

windows_cases() {
    local out="$work/windows/out"
    way windows convnative_openblas.dll -r win-x64 --self-contained
    way windows-single-file convnative_openblas.dll -r win-x64 --self-contained -p:PublishSingleFile=true -p:PublishTrimmed=true
    mkdir "$work/Größe 測試"
    cp -r "$out/." "$work/Größe 測試/"
    expect "windows: a path that is not ASCII" 0 "every number is right" wine "$work/Größe 測試/Stranger.exe"
    printf 'not a library' >"$work/Größe 測試/convnative_openblas.dll"
    expect "windows: a broken OpenBLAS: our own kernels" 0 "every number is right" wine "$work/Größe 測試/Stranger.exe"
    rm "$work/Größe 測試/convnative_native.dll"
    expect "windows: without the helper: an exception with every path" 3 "no such file" wine "$work/Größe 測試/Stranger.exe"
    show
}

if [[ "$mode" == wine ]]; then windows_cases; else linux_cases; fi
((failures == 0))
