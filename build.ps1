# Builds, shows, tests and measures ConvNative on Windows (PowerShell 5.1 or newer). .\build.ps1 help tells the verbs.
param([string] $Verb = 'help', [Parameter(ValueFromRemainingArguments = $true)] [string[]] $Arguments = @())

$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$script:Results = @()

function Show-Usage {
    @'
.\build.ps1 VERB [arguments]
  build             compile everything, in Release
  demo [args]       train the small convnet of samples/TrainMnist
  test [args]       every test: native, then NUnit per instruction set and without OpenBLAS;
                    the arguments go to each "dotnet test" run
  bench [args]      bench/ConvNative.Benchmarks (BenchmarkDotNet), e.g. --filter *Gemm*
  compare [args]    bench/ConvNative.Compare, side by side with other libraries
  pack [args]       the NuGet packages, for Windows only, into artifacts/packages (needs mingw-w64 for OpenBLAS;
                    ./build.sh pack on Linux makes them for both systems)
  clean             delete what was generated
  help              this text
'@ | Write-Host
}

function Write-Heading([string] $Text) { Write-Host "`n== $Text" }

function Test-Tool([string] $Name) { [bool](Get-Command $Name -CommandType Application -ErrorAction SilentlyContinue) }

# ---- What the machine must have ----------------------------------------------------------------------------------------------

function Test-Compiler {
    if ($env:CC -or (Test-Tool 'cl') -or (Test-Tool 'gcc') -or (Test-Tool 'clang')) { return $true }
    $vswhere = Join-Path ${env:ProgramFiles(x86)} 'Microsoft Visual Studio\Installer\vswhere.exe'
    if (-not (Test-Path $vswhere)) { return $false }
    [bool](& $vswhere -latest -products * -requires Microsoft.VisualStudio.Component.VC.Tools.x86.x64 -property installationPath)
}

function Assert-Tools {
    $missing = @()
    if (-not (Test-Tool 'cmake')) { $missing += 'CMake 3.20 or newer: winget install Kitware.CMake' }
    if (-not (Test-Compiler)) {
        $missing += 'a C compiler: winget install Microsoft.VisualStudio.2022.BuildTools, with the workload "Desktop development with C++" (17.5 or newer)'
    }
    $sdk = (Get-Content global.json -Raw | ConvertFrom-Json).sdk.version
    $found = $false
    if (Test-Tool 'dotnet') {
        $ErrorActionPreference = 'Continue'
        & dotnet --version 2>&1 | Out-Null
        $found = $LASTEXITCODE -eq 0
    }
    if (-not $found) { $missing += "the .NET SDK $sdk or a newer 10.0: winget install Microsoft.DotNet.SDK.10" }
    if ($missing.Count -gt 0) {
        $missing | ForEach-Object { Write-Host "Missing: $_" }
        exit 1
    }
}

# OpenBLAS is welcome, not needed: without it the library multiplies matrices with its own code.
function Install-OpenBlas {
    if ($env:CONVNATIVE_OPENBLAS -or (Test-Tool 'libopenblas.dll') -or (Test-Tool 'openblas.dll')) { return }
    $vcpkg = if ($env:VCPKG_ROOT) { Join-Path $env:VCPKG_ROOT 'vcpkg.exe' } else { (Get-Command vcpkg -ErrorAction SilentlyContinue).Source }
    if (-not $vcpkg -or -not (Test-Path $vcpkg)) {
        Write-Host 'OpenBLAS was not found, nor vcpkg to install it (vcpkg install openblas); going on without it.'
        return
    }
    $triplet = if ($env:PROCESSOR_ARCHITECTURE -eq 'ARM64') { 'arm64-windows' } else { 'x64-windows' }
    $folder = Join-Path (Split-Path $vcpkg) "installed\$triplet\bin"
    if (-not (Test-Path "$folder\*openblas*.dll")) {
        Write-Host "Installing OpenBLAS: vcpkg install openblas:$triplet"
        Invoke-Logged 'openblas-install' { & $vcpkg install "openblas:$triplet" } | Out-Null
    }
    $library = Get-ChildItem "$folder\*openblas*.dll" -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($library) { $env:CONVNATIVE_OPENBLAS = $library.FullName }
    else { Write-Host 'OpenBLAS could not be installed; going on without it.' }
}

function Initialize-Build {
    Assert-Tools
    Install-OpenBlas
}

# ---- Tests: each run adds a line to the table ----------------------------------------------------------------------------------

function Add-Result([string] $Run, [int] $Passed, [int] $Failed, [int] $Skipped, [double] $Seconds) {
    $script:Results += [pscustomobject]@{ Run = $Run; Passed = $Passed; Failed = $Failed; Skipped = $Skipped; Seconds = [int]$Seconds }
    Write-Host "$Passed passed, $Failed failed, $Skipped skipped in $([int]$Seconds) s"
}

# True when the command succeeds. Quiet when all is well, the end of the log otherwise.
function Invoke-Logged([string] $Name, [scriptblock] $Command) {
    New-Item -ItemType Directory -Force artifacts\logs | Out-Null
    $log = "artifacts\logs\$Name.log"
    $ErrorActionPreference = 'Continue' # what a program writes to its error stream is no exception
    & $Command 2>&1 | ForEach-Object { "$_" } | Out-File $log -Encoding utf8
    if ($LASTEXITCODE -eq 0) { return $true }
    Get-Content $log -Tail 80 | Write-Host
    Write-Host "(the whole log: $log)"
    return $false
}

function Invoke-NativeTests {
    Write-Heading 'Native tests (release)'
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $folder = 'artifacts\native\test-release'
    if (Test-Path $folder) { Remove-Item -Recurse -Force $folder }
    $total = 0
    $failed = 0
    $ok = (Invoke-Logged 'native-configure' { cmake -S . -B $folder -DCMAKE_BUILD_TYPE=Release }) -and
        (Invoke-Logged 'native-build' { cmake --build $folder --config Release --parallel })
    if ($ok) {
        $ok = Invoke-Logged 'native-test' { ctest --test-dir $folder -C Release --output-on-failure }
        $counts = Select-String -Path artifacts\logs\native-test.log -Pattern '(\d+) tests? failed out of (\d+)' | Select-Object -Last 1
        if ($counts) {
            $failed = [int]$counts.Matches[0].Groups[1].Value
            $total = [int]$counts.Matches[0].Groups[2].Value
        }
    }
    if ($failed -eq 0 -and (-not $ok -or $total -eq 0)) {
        $failed = 1
        $total = [Math]::Max($total, 1)
    }
    Add-Result 'native, release' ($total - $failed) $failed 0 $watch.Elapsed.TotalSeconds
}

# Counts of all result files of a folder; what was not executed was skipped.
function Get-TrxCounts([string] $Folder) {
    $counts = @{ Passed = 0; Failed = 0; Skipped = 0 }
    foreach ($file in Get-ChildItem "$Folder\*.trx" -ErrorAction SilentlyContinue) {
        $counters = ([xml](Get-Content $file.FullName -Raw)).TestRun.ResultSummary.Counters
        $counts.Passed += [int]$counters.passed
        $counts.Failed += [int]$counters.executed - [int]$counters.passed
        $counts.Skipped += [int]$counters.total - [int]$counters.executed
    }
    $counts
}

function Invoke-ManagedTests([string] $Name, [string] $Variable, [string] $Value) {
    Write-Heading "NUnit ($Name)"
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $label = $Name -replace '[^A-Za-z0-9]', '-'
    $folder = "artifacts\test-results\$label"
    if (Test-Path $folder) { Remove-Item -Recurse -Force $folder }
    $before = [Environment]::GetEnvironmentVariable($Variable)
    [Environment]::SetEnvironmentVariable($Variable, $Value)
    try {
        $ok = Invoke-Logged "nunit-$label" {
            dotnet test ConvNative.sln -c Release --no-build --logger "trx;LogFilePrefix=$label" --results-directory $folder @Arguments
        }
    }
    finally { [Environment]::SetEnvironmentVariable($Variable, $before) }
    $counts = Get-TrxCounts $folder
    # A host that dies has no failed test to show, but it failed; so has a run that found nothing to run.
    if ($counts.Failed -eq 0 -and (-not $ok -or $counts.Passed + $counts.Skipped -eq 0)) { $counts.Failed = 1 }
    Add-Result "NUnit, $Name" $counts.Passed $counts.Failed $counts.Skipped $watch.Elapsed.TotalSeconds
}

# The instruction sets that this machine has, the widest first.
function Get-InstructionSets {
    Add-Type -Namespace ConvNative -Name Processor -MemberDefinition '[DllImport("kernel32.dll")] public static extern bool IsProcessorFeaturePresent(uint feature);'
    if ([ConvNative.Processor]::IsProcessorFeaturePresent(41)) { 'avx512' } # PF_AVX512F_INSTRUCTIONS_AVAILABLE
    if ([ConvNative.Processor]::IsProcessorFeaturePresent(40)) { 'avx2' }   # PF_AVX2_INSTRUCTIONS_AVAILABLE
    'scalar'
}

function Invoke-AllTests {
    Invoke-NativeTests
    Write-Heading 'Build'
    if (Invoke-Logged 'build' { dotnet build ConvNative.sln -c Release }) {
        # Without a cap the suite covers every instruction set, those that the machine lacks in software.
        Invoke-ManagedTests 'every instruction set' 'CONVNATIVE_MAX_ISA' ''
        foreach ($isa in Get-InstructionSets) { Invoke-ManagedTests "up to $isa" 'CONVNATIVE_MAX_ISA' $isa }
        Invoke-ManagedTests 'without OpenBLAS' 'CONVNATIVE_OPENBLAS' 'none'
    }
    else { Add-Result 'build of ConvNative.sln' 0 1 0 0 }

    Write-Heading 'Results'
    $script:Results | Format-Table -AutoSize | Out-String | Write-Host
    $sums = @{}
    foreach ($column in 'Passed', 'Failed', 'Skipped') { $sums[$column] = ($script:Results | Measure-Object $column -Sum).Sum }
    Write-Host "$($sums.Passed) passed, $($sums.Failed) failed, $($sums.Skipped) skipped"
    if ($sums.Failed -gt 0) { exit 1 }
    exit 0
}

# ---- Package -------------------------------------------------------------------------------------------------------------------

$PackageLimit = 12000000 # bytes

# Takes minutes, and only when its recipe is newer than what is there. OPENBLAS_ARCHIVE or OPENBLAS_SOURCE_DIR in the
# environment name its source on this machine.
function Build-OpenBlas {
    $folder = 'artifacts\openblas\win-x64'
    $file = "$folder\convnative_openblas.dll"
    if ((Test-Path $file) -and (Get-Item $file).LastWriteTime -gt (Get-Item native\openblas\CMakeLists.txt).LastWriteTime) { return $true }
    if (-not (Test-Tool 'gcc') -or -not (Test-Tool 'mingw32-make')) {
        Write-Host 'Missing: mingw-w64, whose gcc compiles OpenBLAS: winget install BrechtSanders.WinLibs.POSIX.UCRT'
        return $false
    }
    $options = @('OPENBLAS_ARCHIVE', 'OPENBLAS_SOURCE_DIR') | Where-Object { Test-Path "env:$_" } |
        ForEach-Object { "-D$_=" + (Get-Item "env:$_").Value }
    Write-Heading 'OpenBLAS for win-x64'
    if (Test-Path $folder) { Remove-Item -Recurse -Force $folder }
    $env:CMAKE_BUILD_PARALLEL_LEVEL = [Environment]::ProcessorCount
    $ok = (Invoke-Logged 'openblas' { cmake -S native/openblas -B "$folder\build" -G 'MinGW Makefiles' -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=gcc @options }) -and
        (Invoke-Logged 'openblas' { cmake --build "$folder\build" })
    if ($ok) {
        Move-Item "$folder\build\lib\convnative_openblas.dll" $file
        Remove-Item -Recurse -Force "$folder\build"
    }
    return $ok
}

function New-Package {
    if (-not (Build-OpenBlas)) { exit 1 }
    if (Test-Path artifacts\packages) { Remove-Item -Recurse -Force artifacts\packages }
    foreach ($project in 'src/ConvNative', 'src/ConvNative.Tensors') {
        dotnet pack $project -c Release -o artifacts/packages -p:PackageRids=win-x64 @Arguments
        if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
    }
    foreach ($package in Get-ChildItem artifacts\packages\*.nupkg) {
        Write-Host "$($package.Name): $($package.Length) bytes"
        if ($package.Length -gt $PackageLimit) {
            Write-Host "It must not be larger than $PackageLimit bytes."
            exit 1
        }
    }
    exit 0
}

# ---- Verbs -----------------------------------------------------------------------------------------------------------------------

function Remove-Generated {
    $folders = @('artifacts', 'BenchmarkDotNet.Artifacts', 'TestResults')
    foreach ($project in Get-ChildItem -Recurse -Filter *.csproj) {
        $folders += 'bin', 'obj', 'TestResults' | ForEach-Object { Join-Path $project.DirectoryName $_ }
    }
    $folders | Where-Object { Test-Path $_ } | ForEach-Object { Remove-Item -Recurse -Force $_ }
}

switch ($Verb) {
    'build' { Initialize-Build; dotnet build ConvNative.sln -c Release @Arguments; exit $LASTEXITCODE }
    'demo' { Initialize-Build; dotnet run -c Release --project samples/TrainMnist -- @Arguments; exit $LASTEXITCODE }
    'test' { Initialize-Build; Invoke-AllTests }
    'bench' { Initialize-Build; dotnet run -c Release --project bench/ConvNative.Benchmarks -- @Arguments; exit $LASTEXITCODE }
    'compare' { Initialize-Build; dotnet run -c Release --project bench/ConvNative.Compare -- @Arguments; exit $LASTEXITCODE }
    'pack' { Assert-Tools; New-Package }
    'clean' { Remove-Generated }
    { $_ -in 'help', '-h', '--help' } { Show-Usage }
    default {
        Write-Host "Unknown verb: $Verb"
        Show-Usage
        exit 2
    }
}
