#!/bin/sh
# Cross-compiles the CPU kernel and its C++ test for aarch64 and runs the test under qemu's user-mode
# emulation. Installs nothing; skips, with a reason, where a tool is missing. On Debian and Ubuntu:
#
#   apt-get install g++-aarch64-linux-gnu qemu-user cmake
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$top/build/aarch64}
compiler=${CXX_AARCH64:-aarch64-linux-gnu-g++}

for tool in "$compiler" cmake; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: there is no $tool"
    exit 0
  fi
done
qemu=
for name in qemu-aarch64 qemu-aarch64-static; do
  if command -v $name >/dev/null; then qemu=$name; fi
done
if [ -z "$qemu" ]; then
  echo "skipped: there is no qemu-aarch64"
  exit 0
fi

cmake -S "$top" -B "$build" \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CROSSCOMPILING_EMULATOR="$qemu;-L;/usr/aarch64-linux-gnu" \
  -DINPAINT_TESTS=ON -DINPAINT_CUDA=OFF
cmake --build "$build" --parallel "$(nproc)"
(cd "$build" && ctest --output-on-failure)
