"""The result of a cleaning model's evaluation, as tables for its card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

AS_IT_CAME = "as it came"


def markdown(document: Mapping[str, Any]) -> str:
    """The result file as tables, for a model's card; real noise first."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    sets = document["sets"]
    methods = list(dict.fromkeys(name for found in sets.values() for name in found["methods"]))
    yield "| PSNR in dB (SSIM) | pictures | " + " | ".join(methods) + " |"
    yield "| --- |" + " ---: |" * (len(methods) + 1)
    for title, found in sets.items():
        cells = (_quality(found["methods"].get(name)) for name in methods)
        yield f"| {title} | {found['pictures']} | " + " | ".join(cells) + " |"
    blind = list(document["grain"])
    yield ""
    yield "| made worse; worst change | " + " | ".join(blind) + " |"
    yield "| --- |" + " ---: |" * len(blind)
    for title, found in sets.items():
        cells = (_harm(found["methods"][name], undamaged="undamaged" in title) for name in blind)
        yield f"| {title} | " + " | ".join(cells) + " |"
    for grain in next(iter(document["grain"].values())):
        deviation, size = grain.split(", ")
        cells = (f"{100 * document['grain'][name][grain]:.0f} %" for name in blind)
        yield f"| grain left, deviation {deviation}, size {size} | " + " | ".join(cells) + " |"
    yield ""
    if document["degradation"]:
        ranks = document["degradation"]["rank_correlation"].items()
        told = ", ".join(f"{kind} {'-' if rank is None else f'{rank:.2f}'}" for kind, rank in ranks)
        count = document["degradation"]["pictures"]
        yield f"Rank correlation of what is told and what was put in ({count} pictures): {told}."
    times = document["milliseconds"]
    p50 = ", ".join(f"{name} {time:.0f} ms" for name, time in times["p50"].items())
    yield f"512x512, {document['threads']} threads: {p50}."
    machine, model = document["machine"], document["model"]
    state = "clean" if machine["dirty"] is False else "not a clean revision"
    yield (
        f"\n{model['name']}, digest {model['digest'][:12]}, strength {document['strength']:g}; "
        f"revision {machine['revision']} ({state}); {machine['cpu']['name']}; {document['started']}"
    )


def _quality(figures: Mapping[str, Any] | None) -> str:
    return "" if figures is None else f"{figures['psnr']:.2f} ({figures['ssim']:.3f})"


def _harm(figures: Mapping[str, Any], *, undamaged: bool) -> str:
    """Of undamaged pictures, which cannot gain, the lowest PSNR."""
    if undamaged:
        return f"lowest {figures['lowest_psnr']:.1f} dB"
    return f"{figures['made_worse']}; {figures['worst_change']:+.2f} dB"
