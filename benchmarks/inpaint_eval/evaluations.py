"""Results of ``inpaint-export eval`` as tables: for the terminal, and for models' cards.

A result is a JSON document with ``format``, ``format_version``, ``kind``, ``started``,
``finished``, ``machine``, ``threads`` and ``model``; its other entries are those of its kind. A
kind of result is a function in :data:`TABLES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inpaint_eval.render import Columns, Table, number, table_of

FORMAT = "inpaint-export"
FORMAT_VERSION = 1

Document = Mapping[str, Any]

PSNR = ("psnr_damaged", "psnr_found", "psnr_true")
"""Figures of restored pictures: as they came, by what was found, by the true mask."""

HOLE_FIGURES = {
    "gradient_hole": "gradient in the hole",
    "perceptual": "perceptual distance",
    "codes_right": "codes right",
    "entries_used": "entries used",
}
"""Figures of filled holes that a result may have, and their columns."""

CLEAN = ("scans", "hard, drawn", "hard, photographs")
"""Groups of undamaged pictures."""


def tables_of_evaluation(document: Document) -> list[Table]:
    """A result's tables; below the last, what was measured and where.

    Raises:
        KeyError: it is of no known kind, or lacks what its tables show.
    """
    machine, model, threads = document["machine"], document["model"], document["threads"]
    state = "" if machine["dirty"] is False else ", with changes since"
    note = (
        f"`{model['name']}`, digest {model['digest'][:12]}; revision {machine['revision']}{state}; "
        f"{machine['cpu']['name']}, {threads} thread{'s' * (threads > 1)}; {document['started']}"
    )
    return [*TABLES[document["kind"]](document), Table(notes=[note])]


def _quality(document: Document) -> list[Table]:
    """Pictures under masks, under distortions, or with pairs."""
    rows = []
    for row in document["rows"]:
        before = row.get("psnr_damaged")
        rows.append(
            [
                row["data"],
                row["masks"].replace("none", ""),
                str(row["pictures"]),
                *(_db(value) for value in (row["psnr_hole"], before, row["psnr"])),
                "" if before is None else f"{row['psnr'] - before:+.2f} dB",
                number(row["ssim"], 4),
                *("" if row.get(n) is None else number(row[n], 3) for n in HOLE_FIGURES),
            ]
        )
    columns = ("", "masks", "pictures", "PSNR in the hole", "PSNR as it came", "PSNR restored")
    further = ("gain", "SSIM", *HOLE_FIGURES.values())
    return [_without_empty(Table("", (*columns, *further), rows, left=2))]


def _film(document: Document) -> list[Table]:
    """A detector on film damage, beside its peers."""
    methods = document["methods"]
    each, rows = list(methods.values()), []

    def row(title: str, bar: str, cells: Iterable[str]) -> None:
        rows.append([title, bar, *cells])

    for group, title, bar in (
        ("dust", "dust and dirt", "0.75"),
        ("hair", "hairs", "0.80"),
        ("scratch", "scratches", "0.80"),
    ):
        row(f"F1 within a pixel (strict), {title}", bar, (_f1(m["groups"][group]) for m in each))
    row("F1, all film damage", "", (_f1(m["all"]) for m in each))
    row("F1, all but stains", "", (_f1(m["but_stains"]) for m in each))
    for kind in each[0]["kinds"]:
        row(f"F1, called {kind}", "", (_f1(m["kinds"].get(kind)) for m in each))
    recalls = (f"{m['straight']['recall_near']:.3f}" for m in each)
    row("recall, straight scratches of 2 to 4 px", "0.85", recalls)
    for group in CLEAN:
        clean = [m["undamaged"][group] for m in each]
        row(f"undamaged {group}: marked", "0.05 %", (_percent(c["marked"]) for c in clean))
        row(f"undamaged {group}: worst; over 0.5 %", "0.5 %; 0", map(_worst, clean))
    for group in CLEAN[1:]:
        text = (m["undamaged"][group].get("text_marked", 0.0) for m in each)
        row(f"scene text marked, {group}", "0.2 %", map(_percent, text))
    for prefix, title in (("", "mean PSNR"), ("pooled_", "PSNR of all as one picture")):
        row(
            f"{title}: damaged / found and restored / true mask",
            "+5 dB; within 3 dB",
            (" / ".join(f"{m['restored'][prefix + name]:.2f}" for name in PSNR) for m in each),
        )
    restored = [m["restored"] for m in each]
    worse = (f"{r['made_worse']}; {r['worst_change']:+.2f} dB" for r in restored)
    row("made worse by over 0.1 dB; worst change", "0", worse)
    composites = document["data"]["composites"].items()
    note = "Composites: " + ", ".join(f"{count} of {name}" for name, count in composites) + "."
    found = [Table("", ("on held-out film damage", "bar", *methods), rows, [note])]
    if other := document["other_damage"]:
        names = ("f1_near", "f1")
        drawn = [[kind, *(number(values[n], 3) for n in names)] for kind, values in other.items()]
        columns = ("other damage, when looked for", "F1 within a pixel", "F1")
        found.append(Table("", columns, drawn))
    return found


def _film_restoration(document: Document) -> list[Table]:
    """A restorer on film damage, beside finding and filling."""
    methods = document["methods"]
    each, rows = list(methods.values()), []

    def row(title: str, cells: Iterable[str]) -> None:
        rows.append([title, *cells])

    row("mean PSNR", (_db(m["psnr"]) for m in each))
    row("mean PSNR in the damage", (_db(m["psnr_in_damage"]) for m in each))
    for part in each[0]["pooled_in_damage"]:
        row(f"all pixels of {part}", (_db(m["pooled_in_damage"].get(part)) for m in each))
    worse = (f"{m['made_worse']}; {m['worst_change']:+.2f} dB" for m in each)
    row("made worse by over 0.1 dB; worst change", worse)
    for group in ("beside damage", *CLEAN):
        clean = [m["undamaged"].get(group) for m in each]
        row(
            f"undamaged {group}: changed",
            ("" if c is None else _percent(c["marked"]) for c in clean),
        )
    composites = document["data"]["composites"].items()
    note = "Composites: " + ", ".join(f"{count} of {name}" for name, count in composites)
    note += f"; found by {document['detector']}."
    film = Table("", ("on held-out film damage", *methods), rows, [note])
    others = document["other_damage"]
    columns = next(iter(others.values()))
    drawn = [[name, *(_db(values[c]) for c in columns)] for name, values in others.items()]
    return [film, Table("", ("mean PSNR in other damage, told where", *columns), drawn)]


def _cleaning(document: Document) -> list[Table]:
    """A model that cleans pictures, beside its peers; real noise first."""
    sets, blind = document["sets"], list(document["grain"])
    methods = list(dict.fromkeys(name for found in sets.values() for name in found["methods"]))
    rows = [
        [title, str(found["pictures"]), *(_clean(found["methods"].get(m)) for m in methods)]
        for title, found in sets.items()
    ]
    quality = Table("", ("PSNR in dB (SSIM)", "pictures", *methods), rows)
    rows = [
        [title, *(_harm(found["methods"][m], undamaged="undamaged" in title) for m in blind)]
        for title, found in sets.items()
    ]
    for grain in next(iter(document["grain"].values())):
        deviation, size = grain.split(", ")
        left = (f"{100 * document['grain'][m][grain]:.0f} %" for m in blind)
        rows.append([f"grain left, deviation {deviation}, size {size}", *left])
    notes = []
    if told := document["degradation"]:
        ranks = told["rank_correlation"].items()
        each = ", ".join(f"{kind} {'-' if rank is None else f'{rank:.2f}'}" for kind, rank in ranks)
        notes.append(
            f"Rank correlation of what is told and what was put in ({told['pictures']} pictures): "
            f"{each}."
        )
    times = (f"{name} {ms:.0f} ms" for name, ms in document["milliseconds"]["p50"].items())
    notes.append(f"512x512: {', '.join(times)} (median). Strength {document['strength']:g}.")
    return [quality, Table("", ("made worse; worst change", *blind), rows, notes)]


def _reading(document: Document) -> list[Table]:
    """A reader of text beside its peers, and what restorers give back to it."""
    readers: Columns[Document] = {
        "reader": lambda row: row["reader"],
        "lines": lambda row: row["lines"],
        "count": lambda row: str(row["count"]),
        "characters wrong": lambda row: f"{100 * row['character_error_rate']:.2f} %",
        "ms a line, of processor time": lambda row: number(1000 * row["seconds_per_line"], 1),
    }
    legible: Columns[Document] = {
        "characters wrong of lines under": lambda row: row["damage"],
        "restored by": lambda row: row["restorer"],
        "undamaged": lambda row: f"{100 * row['clean']:.1f} %",
        "damaged": lambda row: f"{100 * row['damaged']:.1f} %",
        "restored": lambda row: f"{100 * row['restored']:.1f} %",
    }
    tables = ((document["readers"], readers), (document["legibility"], legible))
    return [table_of("", rows, columns, left=2) for rows, columns in tables]


TABLES: Mapping[str, Callable[[Document], list[Table]]] = {
    "quality": _quality,
    "film-detection": _film,
    "film-restoration": _film_restoration,
    "cleaning": _cleaning,
    "reading": _reading,
}
"""By kind of result."""


def _f1(values: Mapping[str, float] | None) -> str:
    """Within a pixel, and strict."""
    return "" if values is None else f"{values['f1_near']:.3f} ({values['f1']:.3f})"


def _clean(figures: Mapping[str, Any] | None) -> str:
    return "" if figures is None else f"{figures['psnr']:.2f} ({figures['ssim']:.3f})"


def _harm(figures: Mapping[str, Any], *, undamaged: bool) -> str:
    """Of undamaged pictures, which cannot gain, the lowest PSNR."""
    if undamaged:
        return f"lowest {figures['lowest_psnr']:.1f} dB"
    return f"{figures['made_worse']}; {figures['worst_change']:+.2f} dB"


def _percent(share: float) -> str:
    return f"{100 * share:.3f} %"


def _worst(clean: Mapping[str, Any]) -> str:
    share, picture = 100 * clean["worst"], clean["worst_picture"]
    return f"{share:.2f} % ({picture}); {clean['over_half_percent']}"


def _db(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} dB"


def _without_empty(table: Table) -> Table:
    """Without columns that no row has anything in."""
    kept = [i for i in range(len(table.columns)) if any(row[i] for row in table.rows)]
    return Table(
        table.title,
        [table.columns[i] for i in kept],
        [[row[i] for i in kept] for row in table.rows],
        table.notes,
        sum(i < table.left for i in kept),
    )
