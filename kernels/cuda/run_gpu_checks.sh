#!/usr/bin/env bash
# Builds the CUDA scan for this machine's GPU, checks it, runs compute-sanitizer over it and
# measures it. One call; its parts have limits that keep it under 8 minutes.
#
#     kernels/cuda/run_gpu_checks.sh [OUTPUT_FOLDER]        default: build/gpu_checks
#
# Writes test.json and bench.json (both name the device), the logs, and summary.json with the exit
# status of each part. Exits 0 when every part did; goes on after a failure, to report them all.
set -u

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../build/gpu_checks}
mkdir -p "$out/objects"
out=$(cd "$out" && pwd)

for tool in nvcc nvidia-smi; do
  if ! command -v "$tool" >/dev/null; then
    echo "$tool is not on the PATH" >&2
    exit 2
  fi
done
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. ')
device=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -n 1)
if [ -z "$capability" ]; then
  echo "no GPU answers" >&2
  exit 2
fi
echo "$device, sm_$capability"

flags="-std=c++17 -O3 -lineinfo -arch=sm_$capability"
pids=()
for source in scan_fp32.cu scan_fp16.cu scan_bf16.cu inpaint_scan_cuda.cpp test_scan.cu bench_scan.cu; do
  nvcc $flags -Xptxas -v -c "$here/$source" -o "$out/objects/${source%.*}.o" \
    >"$out/compile_${source%.*}.log" 2>&1 &
  pids+=($!)
done
for pid in "${pids[@]}"; do
  if ! wait "$pid"; then
    cat "$out"/compile_*.log >&2
    exit 2
  fi
done
library="$out/objects/scan_fp32.o $out/objects/scan_fp16.o $out/objects/scan_bf16.o"
library="$library $out/objects/inpaint_scan_cuda.o"
for program in test_scan bench_scan; do
  nvcc -arch="sm_$capability" "$out/objects/$program.o" $library -o "$out/$program" || exit 2
done
echo "kernels that spill: $(grep -h 'bytes spill stores' "$out"/compile_*.log | grep -vc ' 0 bytes spill stores')"

statuses=""
failed=0
part() {  # name, seconds, command...
  local name=$1 limit=$2 begin=$SECONDS
  shift 2
  timeout "$limit" "$@" >"$out/$name.log" 2>&1
  local status=$?
  echo "$name: exit $status after $((SECONDS - begin)) s"
  if [ $status -ne 0 ]; then
    failed=1
    tail -n 15 "$out/$name.log"
  fi
  statuses="$statuses${statuses:+, }\"$name\": $status"
}

part test 150 "$out/test_scan" --json "$out/test.json"
part bench 90 "$out/bench_scan" --json "$out/bench.json"
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck synccheck; do
    part "$tool" 60 compute-sanitizer --tool "$tool" --error-exitcode 9 "$out/test_scan" --tiny
  done
else
  echo "compute-sanitizer is not on the PATH: left out"
  statuses="$statuses, \"compute-sanitizer\": null"
fi

printf '{"device": "%s", "compute_capability": "%s", "exit_status": {%s}}\n' \
  "$device" "$capability" "$statuses" >"$out/summary.json"
tail -n 9 "$out/test.log"
cat "$out/bench.log"
cat "$out/summary.json"
exit $failed
