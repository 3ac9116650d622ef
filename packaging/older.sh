#!/usr/bin/env bash
# Installs, in a folder, older versions that tests of other machines look for beside those of the
# environment: NVIDIA's bindings for CUDA 12, and the CMake of Ubuntu 22.04, which JetPack 6 has.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
for version in cuda-bindings==12.8.0 cuda-bindings==12.9.10 cmake==3.22.6; do
  rm -rf "$folder/$version"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --target "$folder/$version" "$version"
done
