#!/usr/bin/env bash
# Locks what `make LOCKED=1` installs, each file by its hash: Python 3.11 on Linux for x86_64. For
# `make lock`, when dependencies change.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  .venv/bin/uv pip compile --quiet --no-header --no-annotate --generate-hashes \
    --default-index https://pypi.org/simple \
    --python-version 3.11.7 --python-platform x86_64-manylinux_2_36 "$@"
}
{
  echo "# Made by packaging/lock.sh of constraints.txt and pyproject.toml; not to be changed by hand."
  # What builds the project itself is installed too, since LOCKED builds it without isolation.
  echo "scikit-build-core>=1.0" | compile --constraint constraints.txt --extra dev pyproject.toml -
  # Of these the Makefile takes the files alone, and nothing that they depend on.
  sed -n 's/.*(PIP) --no-deps //p' Makefile | tr ' ' '\n' | compile --no-deps -
} >packaging/locked.new
mv packaging/locked.new packaging/locked.txt
