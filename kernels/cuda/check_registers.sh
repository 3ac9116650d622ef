#!/usr/bin/env bash
# Compiles the kernels for each architecture and fails if one of them spills registers to memory.
#
#     kernels/cuda/check_registers.sh [ARCHITECTURE...]     default: all from 75 on that nvcc knows
#
# Prints, for each architecture and type, the number of kernels and the most registers one takes.
# Takes some five seconds of CPU time for each. No GPU is needed.
set -u

here=$(cd "$(dirname "$0")" && pwd)
nvcc=${NVCC:-nvcc}
if ! command -v "$nvcc" >/dev/null; then
  echo "$nvcc is not on the PATH; name the compiler with NVCC=" >&2
  exit 2
fi
if [ $# -eq 0 ]; then
  known=$("$nvcc" --list-gpu-arch)
  for architecture in 75 80 86 87 89 90 100 101 110 120; do
    case "$known" in *compute_"$architecture"*) set -- "$@" "$architecture" ;; esac
  done
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
for architecture in "$@"; do
  for type in fp32 fp16 bf16; do
    if ! "$nvcc" -std=c++17 -O3 -arch="sm_$architecture" -Xptxas -v -Werror all-warnings \
        -cubin "$here/scan_$type.cu" -o "$folder/cubin" >"$folder/log" 2>&1; then
      echo "sm_$architecture $type: does not compile" >&2
      cat "$folder/log" >&2
      failed=1
      continue
    fi
    kernels=$(grep -c 'bytes spill stores' "$folder/log")
    most=$(sed -n 's/.*Used \([0-9]*\) registers.*/\1/p' "$folder/log" | sort -n | tail -n 1)
    echo "sm_$architecture $type: $kernels kernels, at most $most registers"
    spilling=$(awk '/Function properties for/ { name = $NF }
                    /bytes spill stores/ && !/ 0 bytes spill stores/ { print "  " name ":" $0 }' \
      "$folder/log")
    if [ "$kernels" -eq 0 ] || [ -n "$spilling" ]; then
      echo "sm_$architecture $type: ${spilling:-ptxas reported no kernels}" >&2
      failed=1
    fi
  done
done
exit $failed
