#!/usr/bin/env bash
# Fuzzes the readers of untrusted input: every src/<room>/**/<target>_fuzz.cpp.
#
#   tools/fuzz.sh [coverage] [seconds] [target...]     # default: 60 seconds, all targets
#
# Each target is built with clang, libFuzzer and the address and undefined sanitizers from the sources
# of its room and of the rooms below it, or of what its lines `// Links: base text/utf8.cpp` name (rooms,
# folders, files). A source is compiled once for all targets. It starts from tests/fuzz_corpus/<target>/.
# Inputs found on the way stay in build/fuzz/corpus/, a crash in build/fuzz/crashes/ (and fails). With
# `coverage` it also prints which share of its reader's lines a target reached and fails under 80 %. The
# reader's sources are <target>.cpp, or those that lines `// Covers: a.cpp b.cpp` name, in the same folder.
# JOBS=n builds and runs n at a time (2). Needs clang-14, libclang-rt-14-dev, llvm-14.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly coverage_min=80
readonly jobs="${JOBS:-2}"
mode=plain
seconds=60
if [[ "${1:-}" == coverage ]]; then mode=coverage; shift; fi
if [[ "${1:-}" =~ ^[0-9]+$ ]]; then seconds="$1"; shift; fi
out="build/fuzz/$mode"
flags=(-std=c++20 -O1 -g -Isrc -DONDOL_ASSERTS=1 -ffp-contract=off -fno-omit-frame-pointer
       -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
if [[ $mode == coverage ]]; then flags+=(-fprofile-instr-generate -fcoverage-mapping); fi
compiler=(clang++-14)
if command -v ccache >/dev/null; then compiler=(ccache clang++-14); fi
export CCACHE_DEPEND=1

fail() { echo "fuzz: $*" >&2; exit 1; }
command -v clang++-14 >/dev/null || fail "clang++-14 is missing; try apt-get install clang-14 libclang-rt-14-dev llvm-14"

target_source() { find src -name "$1_fuzz.cpp" | head -n 1; }

# First the sources that a target links, then its libraries: what its `// Links:` line names, else its room and all below.
links_of() {  # links_of SOURCE
  python3 - "$1" <<'PYTHON'
import pathlib, re, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tools")
import check_layers
table = check_layers.rooms()
target = pathlib.Path(sys.argv[1])
named = " ".join(re.findall(r"^// Links: (.*)", target.read_text(), re.M)).split()
parts = named or sorted(check_layers.visible(target.parts[1], table))
files = set()
for part in parts:
    path = pathlib.Path("src") / part
    found = [path] if path.is_file() else list(path.rglob("*.cpp"))
    if not found:
        sys.exit(f"fuzz: {target} links '{part}'; expected a room, a folder or a file below src/")
    files.update(f for f in found if not f.stem.endswith(("_test", "_fuzz", "_module")) and f.name != "main.cpp")
link = {"fmt": "-lfmt", "threads": "-lpthread", "icu": "-licui18n -licuuc", "nlohmann_json": "", "sqlite": "-lsqlite3", "mpi": "-ldl",
        "gumbo": "-lgumbo", "cmark_gfm": "-lcmark-gfm-extensions -lcmark-gfm"}
rooms = sorted({part.split("/")[0] for part in parts})
print(*sorted(map(str, files)))
print(*dict.fromkeys(link[lib] for room in rooms for lib in table[room]["LIBS"]))
PYTHON
}

compile() {  # compile SOURCE: prints nothing unless it fails
  local object="$out/obj/${1%.cpp}.o"
  mkdir -p "$(dirname "$object")"
  "${compiler[@]}" "${flags[@]}" -c "$1" -o "$object"
}

build() {  # build TARGET
  local source files libraries objects=()
  source="$(target_source "$1")"
  { read -r files; read -r libraries; } < <(links_of "$source")
  for file in $files; do objects+=("$out/obj/${file%.cpp}.o"); done
  # shellcheck disable=SC2086  # libraries are words
  clang++-14 "${flags[@]}" -fsanitize=fuzzer "$out/obj/${source%.cpp}.o" "${objects[@]}" \
    $libraries -o "$out/$1"
}

fuzz() {  # fuzz TARGET
  local found="build/fuzz/corpus/$1" log="$out/$1.log" seeds="tests/fuzz_corpus/$1" status=0
  mkdir -p "$found" build/fuzz/crashes
  [[ -d "$seeds" ]] || fail "$1 has no corpus; expected small valid inputs in $seeds/"
  LLVM_PROFILE_FILE="$out/$1.profraw" "$out/$1" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$1-" \
    "$found" "$seeds" >"$log" 2>&1 || status=$?
  if ((status != 0)); then
    tail -n 40 "$log" >&2
    fail "$1 crashed; the input is in build/fuzz/crashes/, the log is $log"
  fi
  echo "fuzz: $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, no crash"
}

report_coverage() {  # report_coverage TARGET
  local source folder names files=() percent
  source="$(target_source "$1")"
  folder="$(dirname "$source")"
  names="$(sed -n 's|^// Covers: ||p' "$source")"
  for name in ${names:-$1.cpp}; do files+=("$folder/$name"); done
  llvm-profdata-14 merge -sparse "$out/$1.profraw" -o "$out/$1.profdata"
  llvm-cov-14 export -summary-only -instr-profile="$out/$1.profdata" "$out/$1" "${files[@]}" >"$out/$1.json"
  percent="$(python3 - "$out/$1.json" <<'PYTHON'
import json, sys
lines = json.load(open(sys.argv[1]))["data"][0]["totals"]["lines"]
print(f'{lines["percent"]:.1f} {lines["covered"]} {lines["count"]}')
PYTHON
)"
  read -r share covered count <<<"$percent"
  echo "coverage: $1: $share % ($covered of $count lines of ${files[*]})"
  if ((count == 0 || covered * 100 < coverage_min * count)); then
    fail "$1 reaches less than $coverage_min % of its reader; try more inputs in tests/fuzz_corpus/$1/"
  fi
}

in_parallel() {  # in_parallel FUNCTION ITEM...: fails when one fails
  local function="$1" item failed=0 running=0
  shift
  for item in "$@"; do
    if ((running >= jobs)); then wait -n || failed=1; running=$((running - 1)); fi
    (set -e; "$function" "$item") &
    running=$((running + 1))
  done
  while ((running > 0)); do wait -n || failed=1; running=$((running - 1)); done
  return "$failed"
}

targets=("$@")
if ((${#targets[@]} == 0)); then
  mapfile -t targets < <(find src -name '*_fuzz.cpp' -exec basename {} _fuzz.cpp \; | sort)
fi
sources=()
for target in "${targets[@]}"; do
  source="$(target_source "$target")"
  [[ -n "$source" ]] || fail "there is no target '$target'; expected src/<room>/${target}_fuzz.cpp"
  sources+=("$source")
  links="$(links_of "$source")"
  for file in ${links%%$'\n'*}; do sources+=("$file"); done
done
mapfile -t sources < <(printf '%s\n' "${sources[@]}" | sort -u)
in_parallel compile "${sources[@]}"
in_parallel build "${targets[@]}"
in_parallel fuzz "${targets[@]}"
if [[ $mode == coverage ]]; then
  for target in "${targets[@]}"; do report_coverage "$target"; done
fi
