#!/usr/bin/env bash
# Installs the Debian packages ondol needs and that are missing. As root, or through sudo.
#   tools/install_deps.sh run   what building and running takes
#   tools/install_deps.sh dev   also what tests, formatting and fuzzing take
set -euo pipefail

run=(ca-certificates cmake g++ git make ninja-build pkg-config python3 python3-pip
     libbz2-dev libcli11-dev libcmark-gfm-dev libcmark-gfm-extensions-dev libcurl4-openssl-dev libfmt-dev libgumbo-dev
     libicu-dev libpugixml-dev libserd-dev libspdlog-dev libsqlite3-dev libtomlplusplus-dev
     nlohmann-json3-dev zlib1g-dev)
dev=(ccache clang-14 clang-format-14 clang-format libbenchmark-dev libclang-rt-14-dev libgmock-dev libgtest-dev
     libopenmpi-dev llvm-14 openmpi-bin sqlite3)

case "${1:-}" in
  run) packages=("${run[@]}") ;;
  dev) packages=("${run[@]}" "${dev[@]}") ;;
  *) echo "usage: $0 run|dev" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "packages: all installed"
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "missing packages: ${missing[*]}; install them as root" >&2; exit 2; }
  as_root=(sudo)
fi
echo "packages: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
