"""The result of a detector's evaluation on film damage, as a table for its card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PSNR = ("psnr_damaged", "psnr_found", "psnr_true")
"""Figures of restored pictures: as they came, by what was found, by the true mask."""


def markdown(document: Mapping[str, Any]) -> str:
    """The result file as a table, for a model's card."""
    methods = document["methods"]
    lines = ["| on held-out film damage | bar | " + " | ".join(methods) + " |"]
    lines.append("| --- | ---: |" + " ---: |" * len(methods))

    def row(title: str, bar: str, cell: Any) -> None:
        lines.append(f"| {title} | {bar} | " + " | ".join(cell(m) for m in methods.values()) + " |")

    def f1(values: Mapping[str, float]) -> str:
        return f"{values['f1_near']:.3f} ({values['f1']:.3f})"

    for group, title, bar in (
        ("dust", "dust and dirt", "0.75"),
        ("hair", "hairs", "0.80"),
        ("scratch", "scratches", "0.80"),
    ):
        row(f"F1 within a pixel (strict), {title}", bar, lambda m, g=group: f1(m["groups"][g]))
    row("F1, all film damage", "", lambda m: f1(m["all"]))
    row("F1, all but stains", "", lambda m: f1(m["but_stains"]))
    for kind in next(iter(methods.values()))["kinds"]:
        row(
            f"F1, called {kind}",
            "",
            lambda m, k=kind: f1(m["kinds"][k]) if k in m["kinds"] else "",
        )
    row(
        "recall, straight scratches of 2 to 4 px",
        "0.85",
        lambda m: f"{m['straight']['recall_near']:.3f}",
    )
    for group in ("scans", "hard, drawn", "hard, photographs"):
        row(
            f"undamaged {group}: marked",
            "0.05 %",
            lambda m, g=group: f"{100 * m['undamaged'][g]['marked']:.3f} %",
        )
        row(
            f"undamaged {group}: worst; over 0.5 %",
            "0.5 %; 0",
            lambda m, g=group: (
                f"{100 * m['undamaged'][g]['worst']:.2f} % ({m['undamaged'][g]['worst_picture']}); "
                f"{m['undamaged'][g]['over_half_percent']}"
            ),
        )
    for group in ("hard, drawn", "hard, photographs"):
        row(
            f"scene text marked, {group}",
            "0.2 %",
            lambda m, g=group: f"{100 * m['undamaged'][g].get('text_marked', 0.0):.3f} %",
        )
    for prefix, title in (("", "mean PSNR"), ("pooled_", "PSNR of all as one picture")):
        row(
            f"{title}: damaged / found and restored / true mask",
            "+5 dB; within 3 dB",
            lambda m, p=prefix: " / ".join(f"{m['restored'][p + k]:.2f}" for k in PSNR),
        )
    row(
        "made worse by over 0.1 dB; worst change",
        "0",
        lambda m: f"{m['restored']['made_worse']}; {m['restored']['worst_change']:+.2f} dB",
    )
    if document["other_damage"]:
        lines += ["", "| other damage, when looked for | F1 within a pixel | F1 |"]
        lines.append("| --- | ---: | ---: |")
        for kind, values in document["other_damage"].items():
            lines.append(f"| {kind} | {values['f1_near']:.3f} | {values['f1']:.3f} |")
    machine, model = document["machine"], document["model"]
    state = "clean" if machine["dirty"] is False else "not a clean revision"
    lines.append(
        f"\n{model['name']}, digest {model['digest'][:12]}; revision {machine['revision']} "
        f"({state}); {machine['cpu']['name']}; {document['started']}; composites: "
        + ", ".join(f"{count} of {name}" for name, count in document["data"]["composites"].items())
    )
    return "\n".join(lines)
