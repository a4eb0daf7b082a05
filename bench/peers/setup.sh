#!/usr/bin/env bash
# Virtual environments of the peers, pinned: build/peers/{llama,embed,train,word2vec,graph}. Building llama.cpp takes about 10 minutes on 2 cores.
#
#   bench/peers/setup.sh [llama|embed|train|word2vec|graph ...]     # default: all
set -euo pipefail
cd "$(dirname "$0")/../.."
peers=("$@")
((${#peers[@]})) || peers=(llama embed train word2vec graph)
for peer in "${peers[@]}"; do
  list="bench/peers/requirements-$peer.txt"
  folder="build/peers/$peer"
  if [[ -f "$folder/ready" ]] && cmp -s "$list" "$folder/ready"; then continue; fi
  python3 -m venv "$folder"
  CMAKE_ARGS="-DGGML_NATIVE=ON" "$folder/bin/pip" install --quiet -r "$list"
  cp "$list" "$folder/ready"
done
