#!/usr/bin/env bash
# The first day on a GPU, in one command: see first_day.py beside this file.
#
#     [PYTHON=~/inpaint/bin/python] kernels/cuda/run_gpu_checks.sh [FOLDER]    default: build/gpu_checks
exec "${PYTHON:-python3}" "$(dirname "$0")/first_day.py" "$@"
