#!/usr/bin/env bash
# Runs the SDK's tests on the built wheel, with nothing of the checkout's own environment:
#
#     packaging/test_pythons.sh [--skip-missing] PYTHON...
#
# PYTHON: 3.10 for the oldest and the newest versions of its dependencies, 3.10-oldest for those of
# packaging/constraints/3.10-oldest.txt alone. Interpreters on PATH and pyenv's are looked for; one
# that is not there is an error, or with --skip-missing is passed over and told.
set -euo pipefail
cd "$(dirname "$0")/.."
skip=false
if [[ ${1:-} == --skip-missing ]]; then
  skip=true
  shift
fi
(($#)) || { echo "name a Python: packaging/test_pythons.sh 3.10 3.13" >&2 && exit 2; }
uv=$PWD/.venv/bin/uv work=$PWD/build/pythons
for folder in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin; do
  PATH=$PATH:$folder
done

rm -rf "$work"
packaging/wheels.sh "$work/dist" "$(uname -m)"
wheel=$(ls "$work"/dist/*.whl)

run() { # PYTHON AGE
  local environment=$work/$1-$2 constraints=packaging/constraints/$1-$2.txt
  if ! "$uv" venv --quiet --no-python-downloads --python "$1" "$environment"; then
    $skip && echo "Python $1 is not there: its tests are skipped" && return
    echo "Python $1 is not there; install it, or name others" >&2 && exit 1
  fi
  echo "Python $1, $2 dependencies"
  "$uv" pip install --quiet --python "$environment" --constraint "$constraints" \
    "$wheel[video]" --requirement packaging/tests.in
  "$environment/bin/python" -m pytest -m "not slow" -p no:cacheprovider tests/sdk
}

for name in "$@"; do
  case $name in
    *-*) run "${name%-*}" "${name#*-}" ;;
    *) run "$name" oldest && run "$name" newest ;;
  esac
done
