#!/usr/bin/env bash
# Builds the sdist, and from it a wheel for each architecture:
#
#     packaging/wheels.sh FOLDER [ARCHITECTURE...]     x86_64, aarch64; both if none is given
#
# Zig's compiler links against an old glibc and puts its C++ library into ours, on any machine and
# for either architecture: so one wheel serves all that numpy and ONNX Runtime serve. auditwheel
# checks that, and names the wheel by it. No wheel depends on a Python's ABI. The same revision gives
# the same bytes.
set -euo pipefail
umask 022 # files' permissions are in the wheel
output=$(realpath -m "${1:?the folder for what is built}")
shift
(($#)) || set -- x86_64 aarch64
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin # not on PATH: an isolated build could not start the CMake that lies there
zig=$("$bin/python" -c 'import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).with_name("zig"))')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ -z ${SOURCE_DATE_EPOCH:-} ]]; then
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
  export SOURCE_DATE_EPOCH
fi
"$bin/python" -m build --quiet --sdist --outdir "$output" .
sdist=$(ls -t "$output"/inpaint_sdk-*.tar.gz | head -n 1)

for architecture in "$@"; do
  compiler=$work/c++
  printf '#!/bin/sh\nexec "%s" c++ -target %s-linux-gnu.2.17 -s "$@"\n' \
    "$zig" "$architecture" >"$compiler"
  chmod +x "$compiler"
  CXX=$compiler _PYTHON_HOST_PLATFORM=linux-$architecture \
    CMAKE_ARGS="${CMAKE_ARGS:-} -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=$architecture" \
    "$bin/pip" wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work" "$sdist"
  PATH=$bin:$PATH auditwheel repair --plat auto --wheel-dir "$output" "$work"/*"_$architecture.whl"
done
