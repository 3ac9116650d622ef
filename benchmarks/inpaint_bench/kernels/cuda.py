"""The CUDA kernels, through ``bench_scan``, which times them on the GPU itself."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from inpaint_bench.errors import BenchError
from inpaint_bench.schema.kernels import CudaRow

STRATEGIES = ("streaming", "chunked", "auto")


def run_cuda_program(program: Path | None) -> tuple[list[CudaRow] | None, str | None]:
    """What the program measured, or None and why nothing was.

    Raises:
        BenchError: the program was given and failed.
    """
    if program is None:
        return None, "not measured: no --cuda-program (kernels/cuda/run_gpu_checks.sh builds it)"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "bench.json"
        command = [str(program), "--json", str(output)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except OSError as error:
            raise BenchError(f"cannot run {program}: {error.strerror}") from error
        except subprocess.CalledProcessError as error:
            raise BenchError(
                f"{program} failed: {(error.stderr or error.stdout).strip()}"
            ) from error
        return [_row(row) for row in json.loads(output.read_text())["passes"]], None


def _row(found: dict[str, object]) -> CudaRow:
    return CudaRow.model_validate(
        {
            "direction": found["pass"],
            "shape": found["shape"],
            "dtype": found["dtype"],
            "bytes": found["bytes"],
            "launches": found["launches"],
            "copy_us": found["copy_us"],
            "strategies_us": {name: found[f"{name}_us"] for name in STRATEGIES},
            "auto_share_of_copy": found["auto_share_of_copy"],
        }
    )
