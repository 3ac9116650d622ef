#!/usr/bin/env bash
# Builds the CUDA scan for this machine's GPU, checks it, measures it, and runs compute-sanitizer over
# it. One call that takes some four minutes and never more than eight: what there is no time for is
# reported as not run, and counts as a failure.
#
#     kernels/cuda/run_gpu_checks.sh [OUTPUT_FOLDER]        default: build/gpu_checks
#
# Writes test.json, bench.json (both name the device), log.txt, and summary.json with the exit status
# of each part, or null and the reason for one that was left out. Exits 0 when every part that could
# be run did succeed; goes on after a failure, to report them all.
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-$root/build/gpu_checks}
deadline=470  # seconds after the start
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd)
rm -f "$out"/test.json "$out"/bench.json "$out"/log.txt "$out"/summary.json
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

for tool in nvcc nvidia-smi; do
  if ! command -v "$tool" >/dev/null; then
    echo "$tool is not on the PATH" >&2
    exit 2
  fi
done
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. ')
device=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -n 1)
case "$capability" in
  '' | *[!0-9]*)
    echo "no GPU answers: nvidia-smi says '$capability'" >&2
    exit 2
    ;;
esac
echo "$device, sm_$capability"

flags="-std=c++17 -O3 -lineinfo -arch=sm_$capability -Xptxas -v"
pids=()
for source in scan_fp32.cu scan_fp16.cu scan_bf16.cu inpaint_scan_cuda.cpp test_scan.cu bench_scan.cu; do
  nvcc $flags -c "$here/$source" -o "$work/${source%.*}.o" >"$work/compile_${source%.*}.log" 2>&1 &
  pids+=($!)
done
built=0
for pid in "${pids[@]}"; do
  wait "$pid" || built=1
done
library="$work/scan_fp32.o $work/scan_fp16.o $work/scan_bf16.o $work/inpaint_scan_cuda.o"
for program in test_scan bench_scan; do
  [ $built -eq 0 ] || break
  nvcc -arch="sm_$capability" "$work/$program.o" $library -o "$work/$program" || built=1
done
cat "$work"/compile_*.log >"$out/log.txt"
if [ $built -ne 0 ]; then
  echo "the build failed:" >&2
  grep -h -i -B 2 -A 4 error "$out/log.txt" >&2
  exit 2
fi
echo "built after $SECONDS s; kernels that spill: $(
  grep -h 'bytes spill stores' "$out/log.txt" | grep -vc ' 0 bytes spill stores')"

parts=""
failed=0
note() {  # name, JSON value
  parts="$parts${parts:+, }\"$1\": $2"
}
part() {  # name, seconds, command...
  local name=$1 limit=$2 begin=$SECONDS
  shift 2
  local left=$((deadline - SECONDS))
  if [ $left -lt 5 ]; then
    echo "$name: NOT RUN, no time is left"
    note "$name" '"not run: no time is left"'
    failed=1
    return
  fi
  [ $limit -le $left ] || limit=$left
  timeout -k 5 "$limit" "$@" >"$work/$name.log" 2>&1
  local status=$?
  { echo "=== $name"; cat "$work/$name.log"; } >>"$out/log.txt"
  echo "$name: exit $status after $((SECONDS - begin)) s$([ $status -ne 124 ] || echo ': out of time')"
  if [ $status -ne 0 ]; then
    failed=1
    tail -n 15 "$work/$name.log"
  fi
  note "$name" $status
}
left_out() {  # name, reason
  echo "$1: left out, $2"
  note "$1" "null, \"$1 left out\": \"$2\""
}

part test 150 "$work/test_scan" --json "$out/test.json"
part bench 120 "$work/bench_scan" --json "$out/bench.json"
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck synccheck; do
    # Filled memory counts as written, so initcheck gets it as it was allocated.
    raw=$([ $tool != initcheck ] || echo --raw)
    part "$tool" 60 compute-sanitizer --tool "$tool" --error-exitcode 9 "$work/test_scan" --tiny $raw
  done
else
  left_out compute-sanitizer "it is not on the PATH"
fi
# Last, as it builds the whole wheel: the PyTorch operator on CUDA tensors.
if python3 -c 'import pytest, scikit_build_core, torch; assert torch.cuda.is_available()' 2>/dev/null; then
  part wheel 90 python3 -m pip install --quiet --no-deps --no-build-isolation --target "$work/site" \
    "$root" -C cmake.define.INPAINT_CUDA=ON -C "cmake.define.INPAINT_CUDA_ARCHITECTURES=$capability-real" \
    -C "build-dir=$work/build"
  part pytorch 60 env PYTHONPATH="$work/site" python3 -m pytest -q -rs -p no:cacheprovider \
    "$root/tests/kernels/test_torch_cuda.py" -k test_on_a_gpu
else
  left_out pytorch "python3 has no torch that sees the GPU, or no pytest or scikit_build_core"
fi

printf '{"device": "%s", "compute_capability": "%s", "seconds": %d, "exit_status": {%s}}\n' \
  "$device" "$capability" "$SECONDS" "$parts" >"$out/summary.json"
[ ! -f "$work/test.log" ] || tail -n 12 "$work/test.log"
[ ! -f "$work/bench.log" ] || cat "$work/bench.log"
cat "$out/summary.json"
exit $failed
