#!/usr/bin/env bash
# Resolves what pyproject.toml admits, for packaging/constraints: the oldest and the newest versions
# that each supported Python has wheels of. For `make constraints`, when dependencies change.
set -euo pipefail
cd "$(dirname "$0")/.."

for python in 3.10 3.11 3.12 3.13; do
  for age in oldest newest; do
    resolution=highest
    [[ $age == newest ]] || resolution=lowest-direct
    .venv/bin/uv pip compile --quiet --no-header --no-annotate --upgrade --only-binary :all: --no-binary pyvips \
      --python-version "$python" --python-platform x86_64-manylinux_2_28 --resolution $resolution \
      --extra video --output-file "packaging/constraints/$python-$age.txt" \
      pyproject.toml packaging/tests.in
  done
done
