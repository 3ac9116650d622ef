"""``inpaint-bench``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from inpaint_bench.candidates import PEERS, Candidate, SdkModel
from inpaint_bench.data import Ratio, assign
from inpaint_bench.report import markdown
from inpaint_bench.run import Plan, run
from inpaint_bench.startup import measure_first_result, measure_import

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure restoration: quality and speed, beside peers."""


@main.command("run")
@click.option("--models", default="photo", show_default=True, help="Names or files, by commas.")
@click.option(
    "--peers", default=",".join(PEERS), show_default=True, help="By commas; may be empty."
)
@click.option("--pictures", type=FOLDER, required=True, help="Folder of undamaged pictures.")
@click.option("--masks", type=FOLDER, required=True, help="Folder of masks, white is hole.")
@click.option("--ratios", default="10-20,30-40", show_default=True, help="Hole ratios in percent.")
@click.option(
    "--rounds", default=5, show_default=True, help="Timed runs a picture; 0: only quality."
)
@click.option("--threads", default=2, show_default=True)
@click.option("--startup/--no-startup", default=True, show_default=True, help="Time the start too.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def run_command(
    models: str,
    peers: str,
    pictures: Path,
    masks: Path,
    ratios: str,
    rounds: int,
    threads: int,
    startup: bool,
    output: Path,
) -> None:
    """Measure models and peers on pictures; write JSON and print a table.

    Every candidate restores every picture under the same mask, in one process, in turn.
    """
    unknown = set(_split(peers)) - set(PEERS)
    if unknown:
        raise click.UsageError(f"no peer {', '.join(unknown)}; there are: {', '.join(PEERS)}")
    try:
        wanted = [Ratio.parse(text) for text in _split(ratios)]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    plan = Plan(pictures, masks, wanted, rounds, threads)
    candidates: list[Candidate] = [SdkModel(name, threads) for name in _split(models)]
    candidates += [PEERS[name]() for name in _split(peers)]
    result = run(plan, candidates)
    if startup:
        sample = next(assign(pictures, masks, wanted[0]))
        result["startup"] = {
            "import": measure_import(10),
            "first_result": measure_first_result(sample, _split(models)[0], 5),
        }
    output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    click.echo(markdown(result))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
