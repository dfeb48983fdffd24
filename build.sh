#!/usr/bin/env bash
# Builds, shows, tests and measures ConvNative on Linux. ./build.sh help tells the verbs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"

usage() {
    cat <<'HELP'
./build.sh VERB [arguments]
  build             compile everything, in Release
  demo [args]       train the small convnet of samples/TrainMnist
  test [args]       every test: native (also under sanitizers), then NUnit per instruction set and without OpenBLAS;
                    the arguments go to each `dotnet test` run
  bench [args]      bench/ConvNative.Benchmarks (BenchmarkDotNet), e.g. --filter '*Gemm*'
  compare [args]    bench/ConvNative.Compare, side by side with other libraries
  pack [args]       the NuGet packages, for Linux and Windows, into artifacts/packages (also needs mingw-w64)
  test-package      programs that use that package, outside of the repository; what they say when something is missing
  test-windows      the native tests and the NUnit suite, built for Windows, under wine
  clean             delete what was generated
  help              this text
HELP
}

heading() { printf '\n== %s\n' "$*"; }
say() { printf '%s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }

# ---- What the machine must have --------------------------------------------------------------------------------------------

package_manager() {
    local manager
    for manager in apt-get dnf pacman zypper; do
        if has "$manager"; then
            say "$manager"
            return
        fi
    done
}

install_command() { # the package manager's own words
    case "$(package_manager)" in
        apt-get) say "apt-get install -y --no-install-recommends" ;;
        dnf) say "dnf install -y" ;;
        pacman) say "pacman -S --noconfirm" ;;
        zypper) say "zypper --non-interactive install" ;;
        *) say "install" ;;
    esac
}

check_tools() {
    local missing=()
    has cmake || missing+=(cmake)
    has "${CC:-cc}" || missing+=(gcc)
    has make || has ninja || missing+=(make)
    if ((${#missing[@]} > 0)); then
        say "Missing: ${missing[*]}. Install with: $(install_command) ${missing[*]}" >&2
        exit 1
    fi
    if ! dotnet --version >/dev/null 2>&1; then
        say "Missing: the .NET SDK of global.json ($(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' global.json) or a newer 10.0)." >&2
        say "Install it from https://dotnet.microsoft.com/download/dotnet/10.0 or, where the system has it, with:" >&2
        say "$(install_command) dotnet-sdk-10.0 (pacman: dotnet-sdk)" >&2
        exit 1
    fi
}

openblas_present() {
    [[ -n "${CONVNATIVE_OPENBLAS:-}" ]] || (PATH="$PATH:/sbin:/usr/sbin" && ldconfig -p 2>/dev/null | grep libopenblas >/dev/null)
}

# OpenBLAS is welcome, not needed: without it the library multiplies matrices with its own code.
install_openblas() {
    if openblas_present; then return; fi
    local package as_root=()
    case "$(package_manager)" in
        apt-get) package=libopenblas0-pthread ;;
        zypper) package=libopenblas_pthreads0 ;;
        *) package=openblas ;;
    esac
    if [[ "$(id -u)" != 0 ]]; then
        if ! has sudo || ! sudo -n true 2>/dev/null; then
            say "OpenBLAS was not found; going on without it. To have it: $(install_command) $package"
            return
        fi
        as_root=(sudo -n)
    fi
    if [[ -z "$(package_manager)" ]]; then
        say "OpenBLAS was not found, nor a package manager that is known here; going on without it."
        return
    fi
    say "Installing OpenBLAS: $(install_command) $package"
    local command
    read -ra command <<<"$(install_command) $package"
    mkdir -p artifacts/logs
    if ! "${as_root[@]}" "${command[@]}" >artifacts/logs/openblas-install.log 2>&1; then
        say "That failed (artifacts/logs/openblas-install.log); going on without OpenBLAS."
    fi
}

prepare() {
    check_tools
    install_openblas
}

# ---- Tests: each run adds a line to the table --------------------------------------------------------------------------------

results=()  # "name|passed|failed|skipped|seconds"
failures=() # "run: test"

add_result() { # NAME PASSED FAILED SKIPPED SECONDS
    results+=("$1|$2|$3|$4|$5")
    say "$2 passed, $3 failed, $4 skipped in $5 s"
}

# run_logged NAME COMMAND...: quiet when all is well, the end of the log otherwise.
run_logged() {
    local log="artifacts/logs/$1.log"
    shift
    mkdir -p artifacts/logs
    if "$@" >"$log" 2>&1; then return 0; fi
    tail -n 80 "$log"
    say "(the whole log: $log)"
    return 1
}

# native_tests NAME SANITIZERS [arguments of cmake]
native_tests() {
    local name="$1" sanitizers="$2" folder="artifacts/native/test-$1" start=$SECONDS code=0 counts
    shift 2
    heading "Native tests ($name)"
    rm -rf "$folder"
    if run_logged "native-$name-build" cmake -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release "-DCONVNATIVE_SANITIZE=$sanitizers" "$@" \
        && run_logged "native-$name-build" cmake --build "$folder"; then
        run_logged "native-$name" ctest --test-dir "$folder" --build-config Release --output-on-failure || code=1
        counts=$(sed -n 's/.*tests passed, \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\).*/\1 \2/p' "artifacts/logs/native-$name.log")
    else
        code=1
    fi
    local failed total
    read -r failed total <<<"${counts:-0 0}"
    if ((failed == 0 && (code != 0 || total == 0))); then failed=1 total=$((total > 0 ? total : 1)); fi
    add_result "native, $name" $((total - failed)) "$failed" 0 $((SECONDS - start))
}

# Can the compiler build, and this machine run, a program with the sanitizers?
sanitizer_works() {
    local folder code=0
    folder=$(mktemp -d)
    printf 'int main(void) { return 0; }\n' >"$folder/probe.c"
    "${CC:-cc}" "-fsanitize=$1" "$folder/probe.c" -o "$folder/probe" >/dev/null 2>&1 && "$folder/probe" >/dev/null 2>&1 || code=1
    rm -rf "$folder"
    return $code
}

sanitized_tests() {
    if sanitizer_works "$2"; then
        native_tests "$1" "$2"
    else
        heading "Native tests ($1)"
        say "Skipped: ${CC:-cc} has no -fsanitize=$2 that works here."
        add_result "native, $1" 0 0 1 0
    fi
}

# managed_tests NAME PROJECT [VARIABLE=VALUE...] -- [arguments of dotnet test]
managed_tests() {
    local name="$1" project="$2" variables=() start=$SECONDS code=0
    shift 2
    while [[ "$1" != -- ]]; do
        variables+=("$1")
        shift
    done
    shift
    local label="${name//[^A-Za-z0-9]/-}"
    local folder="artifacts/test-results/$label"
    heading "NUnit ($name)"
    rm -rf "$folder"
    run_logged "nunit-$label" env "${variables[@]}" dotnet test "$project" -c Release --no-build \
        --logger "trx;LogFilePrefix=$label" --results-directory "$folder" "$@" || code=1
    local passed failed skipped
    read -r passed failed skipped <<<"$(count_trx "$folder")"
    mapfile -t -O "${#failures[@]}" failures < <(failed_in_log "artifacts/logs/nunit-$label.log" | sed "s|^|$name: |")
    # A host that dies has no failed test to show, but it failed; so has a run that found nothing to run.
    if ((failed == 0 && (code != 0 || passed + skipped == 0))); then failed=1; fi
    add_result "NUnit, $name" "$passed" "$failed" "$skipped" $((SECONDS - start))
}

# "passed failed skipped" of all result files of a folder; what was not executed was skipped.
count_trx() {
    find "$1" -name '*.trx' -exec grep -ho '<Counters [^>]*' {} + 2>/dev/null | awk '
        function value(name) { return match($0, " " name "=\"[0-9]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : 0 }
        { total += value("total"); executed += value("executed"); passed += value("passed") }
        END { printf "%d %d %d\n", passed, executed - passed, total - executed }' || say "0 0 0"
}

# "test: first line of its message" of all failed tests in the output of `dotnet test`.
failed_in_log() {
    awk '/^  Failed .* \[/ { test = $0; sub(/^  Failed /, "", test); sub(/ \[[^[]*\]$/, "", test) }
        /^  Error Message:/ { getline; sub(/^ +/, ""); print test ": " $0 }' "$1"
}

# The instruction sets that this machine has, the widest first.
instruction_sets() {
    if grep -qw avx512f /proc/cpuinfo; then say avx512; fi
    if grep -qw avx2 /proc/cpuinfo; then say avx2; fi
    say scalar
}

print_table() {
    heading "Results"
    printf '%-36s %8s %8s %8s %8s\n' run passed failed skipped seconds
    local row name passed failed skipped seconds
    local all_passed=0 all_failed=0 all_skipped=0
    for row in "${results[@]}"; do
        IFS='|' read -r name passed failed skipped seconds <<<"$row"
        printf '%-36s %8d %8d %8d %8d\n' "$name" "$passed" "$failed" "$skipped" "$seconds"
        all_passed=$((all_passed + passed)) all_failed=$((all_failed + failed)) all_skipped=$((all_skipped + skipped))
    done
    if ((${#failures[@]} > 0)); then printf '\n' && printf 'FAILED %s\n' "${failures[@]}"; fi
    printf '\n%d passed, %d failed, %d skipped\n' "$all_passed" "$all_failed" "$all_skipped"
    ((all_failed == 0))
}

test_all() {
    native_tests release ""
    sanitized_tests tsan thread
    sanitized_tests asan-ubsan address,undefined

    heading "Build"
    if run_logged build dotnet build ConvNative.sln -c Release; then
        local isa sets
        # Without a cap the suite covers every instruction set, those that the machine lacks in software. The comparison's own tests
        # hang on none and run once.
        managed_tests "every instruction set" ConvNative.sln CONVNATIVE_MAX_ISA= -- "$@"
        mapfile -t sets < <(instruction_sets)
        for isa in "${sets[@]}"; do
            managed_tests "up to $isa" tests/ConvNative.Tests "CONVNATIVE_MAX_ISA=$isa" -- "$@"
        done
        managed_tests "without OpenBLAS" tests/ConvNative.Tests CONVNATIVE_OPENBLAS=none -- "$@"
    else
        add_result "build of ConvNative.sln" 0 1 0 0
    fi
    print_table
}

# ---- Native libraries of the package -----------------------------------------------------------------------------------------

package_rids=(linux-x64 win-x64)

check_cross_compiler() {
    if has x86_64-w64-mingw32-gcc; then return; fi
    say "Missing: mingw-w64, which builds the libraries for Windows. Install with: $(install_command) gcc-mingw-w64-x86-64" >&2
    say "(dnf: mingw64-gcc, pacman: mingw-w64-gcc)" >&2
    exit 1
}

build_helper() { # RID
    dotnet build src/ConvNative -c Release -t:BuildNativeHelper "-p:NativeHelperRid=$1" -v:q --nologo
}

# build_openblas RID: takes minutes, and only when its recipe is newer than what is there. OPENBLAS_ARCHIVE or OPENBLAS_SOURCE_DIR
# in the environment name its source on this machine.
build_openblas() {
    local folder="artifacts/openblas/$1" options=() source
    if [[ "$folder/done" -nt native/openblas/CMakeLists.txt ]]; then return; fi
    for source in OPENBLAS_ARCHIVE OPENBLAS_SOURCE_DIR; do
        if [[ -n "${!source:-}" ]]; then options+=("-D$source=${!source}"); fi
    done
    if [[ "$1" == win-x64 ]]; then options+=("-DCMAKE_TOOLCHAIN_FILE=$PWD/native/mingw-w64.cmake"); fi
    heading "OpenBLAS for $1"
    rm -rf "$folder"
    run_logged "openblas-$1" cmake -S native/openblas -B "$folder/build" -DCMAKE_BUILD_TYPE=Release "${options[@]}"
    run_logged "openblas-$1" cmake --build "$folder/build"
    mv "$folder"/build/lib/*convnative_openblas.* "$folder/"
    rm -rf "$folder/build"
    touch "$folder/done"
}

package_limit=12000000 # bytes

pack() {
    check_cross_compiler
    local rid package size
    for rid in "${package_rids[@]}"; do
        build_helper "$rid"
        build_openblas "$rid"
    done
    heading "Package"
    rm -rf artifacts/packages
    dotnet pack src/ConvNative -c Release -o artifacts/packages "$@"
    dotnet pack src/ConvNative.Tensors -c Release -o artifacts/packages "$@"
    for package in artifacts/packages/*.nupkg; do
        size=$(stat -c %s "$package")
        say "$package: $size bytes"
        if ((size > package_limit)); then
            say "It must not be larger than $package_limit bytes." >&2
            return 1
        fi
    done
}

# ---- The package and Windows, tested -------------------------------------------------------------------------------------------

# package_tests NAME [wine]: the cases of tests/package/check.sh
package_tests() {
    local start=$SECONDS log="artifacts/logs/package-${2:-linux}.log" passed failed skipped code=0
    heading "Package ($1)"
    mkdir -p artifacts/logs
    tests/package/check.sh artifacts/packages artifacts/package-cache "${2:-linux}" >"$log" 2>&1 || code=1
    cat "$log"
    passed=$(grep -c '^PASS' "$log" || true)
    failed=$(grep -c '^FAIL' "$log" || true)
    mapfile -t -O "${#failures[@]}" failures < <(sed -n "s|^FAIL |package, $1: |p" "$log")
    skipped=$(grep -c '^SKIP' "$log" || true)
    if ((failed == 0 && (code != 0 || passed == 0))); then failed=1; fi
    add_result "package, $1" "$passed" "$failed" "$skipped" $((SECONDS - start))
}

test_package() {
    pack
    package_tests "programs on Linux"
    print_table
}

use_wine() {
    if ! has wine; then
        say "Missing: wine, which runs programs for Windows. Install with: $(install_command) wine wine64" >&2
        exit 1
    fi
    # A folder of its own; no window when a program ends by an exception, and no debugger that waits for one.
    export WINEPREFIX="$PWD/artifacts/windows/wine" WINEDEBUG=-all WINEDLLOVERRIDES="winedbg.exe=d"
    # Memory mapped twice, writable and executable, goes wrong under wine 8: the runtime does without.
    export DOTNET_EnableWriteXorExecute=0
    mkdir -p "$WINEPREFIX"
}

# windows_suite NAME [VARIABLE=VALUE...]: the NUnit suite, published as a program, under wine
windows_suite() {
    local name="$1" start=$SECONDS label counts passed failed skipped
    shift
    label="windows-${name//[^A-Za-z0-9]/-}"
    heading "NUnit for Windows ($name)"
    # A hang must end as a failure; the log's last line names the test.
    run_logged "$label" env "$@" timeout --kill-after=10 1800 wine artifacts/windows/tests/ConvNative.Tests.exe test || true
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped.*/\1 \2 \3/p' "artifacts/logs/$label.log" | tail -n 1)
    read -r passed failed skipped <<<"${counts:-0 1 0}"
    add_result "NUnit for Windows, $name" "$passed" "$failed" "$skipped" $((SECONDS - start))
}

test_windows() {
    check_cross_compiler
    use_wine
    native_tests windows "" "-DCMAKE_TOOLCHAIN_FILE=$PWD/native/mingw-w64.cmake"
    heading "Build for Windows"
    build_openblas win-x64
    if run_logged windows-build dotnet publish tests/ConvNative.Tests -c Release -r win-x64 --self-contained -p:NativeHelperRid=win-x64 \
        --artifacts-path artifacts/windows/build -o artifacts/windows/tests; then
        cp artifacts/openblas/win-x64/convnative_openblas.dll artifacts/windows/tests/
        x86_64-w64-mingw32-gcc -shared -O2 tests/wine/stale_frames.c -o artifacts/windows/tests/stale_frames.dll
        windows_suite "every instruction set" CONVNATIVE_MAX_ISA=
    else
        add_result "build for Windows" 0 1 0 0
    fi
    if compgen -G 'artifacts/packages/ConvNative.[0-9]*.nupkg' >/dev/null || pack; then
        package_tests "programs for Windows" wine
    fi
    print_table
}

# ---- Verbs -------------------------------------------------------------------------------------------------------------------

run_project() {
    local project="$1"
    shift
    dotnet run -c Release --project "$project" -- "$@"
}

clean() {
    find . -name '*.csproj' -not -path './artifacts/*' -print0 | while IFS= read -r -d '' project; do
        folder=$(dirname "$project")
        rm -rf "${folder:?}/bin" "$folder/obj" "$folder/TestResults"
    done
    rm -rf artifacts BenchmarkDotNet.Artifacts TestResults
}

verb="${1:-help}"
if (($# > 0)); then shift; fi
case "$verb" in
    build) prepare && dotnet build ConvNative.sln -c Release "$@" ;;
    demo) prepare && run_project samples/TrainMnist "$@" ;;
    test) prepare && test_all "$@" ;;
    bench) prepare && run_project bench/ConvNative.Benchmarks "$@" ;;
    compare) prepare && run_project bench/ConvNative.Compare "$@" ;;
    pack) prepare && pack "$@" ;;
    test-package) prepare && test_package ;;
    test-windows) prepare && test_windows ;;
    clean) clean ;;
    help | -h | --help) usage ;;
    *)
        say "Unknown verb: $verb" >&2
        usage >&2
        exit 2
        ;;
esac
