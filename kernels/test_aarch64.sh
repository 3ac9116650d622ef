#!/bin/sh
# Cross-compiles the CPU kernel and its C++ tests for aarch64 and runs them under qemu's user-mode
# emulation. Installs nothing; skips, with a reason, where a tool is missing.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$top/build/aarch64}
compiler=${CXX_AARCH64:-aarch64-linux-gnu-g++}

skip() {
  echo "aarch64 tests skipped: there is no $1. On Debian and Ubuntu:" \
    "apt-get install g++-aarch64-linux-gnu qemu-user cmake"
  exit 0
}

for tool in "$compiler" cmake; do
  command -v "$tool" >/dev/null || skip "$tool"
done
qemu=
for name in qemu-aarch64 qemu-aarch64-static; do
  if command -v $name >/dev/null; then qemu=$name; fi
done
[ -n "$qemu" ] || skip qemu-aarch64

cmake -S "$top" -B "$build" \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CROSSCOMPILING_EMULATOR="$qemu;-L;/usr/aarch64-linux-gnu" \
  -DINPAINT_TESTS=ON -DINPAINT_CUDA=OFF
cmake --build "$build" --parallel "$(nproc)"
(cd "$build" && ctest --output-on-failure --no-tests=error)
