"""A result as a table that can be read, and pasted into a README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def markdown(result: Mapping[str, Any]) -> str:
    """The result's figures as Markdown, the machine first."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    machine = result["machine"]
    libraries = ", ".join(f"{k} {v}" for k, v in machine["libraries"].items() if v)
    yield f"{machine['cpu']}, {machine['cores']} cores, {result['threads']} threads; {libraries}"
    yield f"`{result['pictures']}`, {result['rounds']} timed rounds a picture, interleaved"
    yield ""
    yield "| holes | candidate | PSNR in the hole | PSNR | SSIM | p50 ms | p90 ms | p99 ms |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for section in result["sections"]:
        for row in section["candidates"]:
            times = row.get("milliseconds")
            speed = [f"{times[p]:.1f}" for p in ("p50", "p90", "p99")] if times else ["-"] * 3
            quality = [f"{row['psnr_hole']:.2f}", f"{row['psnr']:.2f}", f"{row['ssim']:.4f}"]
            yield f"| {' | '.join([section['hole_ratio'], row['name'], *quality, *speed])} |"
    if "startup" in result:
        yield ""
        startup = result["startup"]
        seconds = startup["import"]["milliseconds"]["p50"] / 1e3
        torch = "torch is imported" if startup["import"]["imports_torch"] else "torch is not"
        yield f"`import inpaint_sdk`: {seconds:.2f} s ({torch})"
        seconds = startup["first_result"]["milliseconds"]["p50"] / 1e3
        size = "x".join(map(str, startup["first_result"]["size"][::-1]))
        yield f"process start to first written result, {size}: {seconds:.2f} s"
