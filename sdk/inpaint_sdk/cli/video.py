"""``inpaint-sdk video``: a video file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from inpaint_sdk.cli.jobs import is_one_of
from inpaint_sdk.cli.options import (
    Loading,
    with_detector,
    with_loading,
    with_model,
    with_options,
    with_overwrite_input,
)
from inpaint_sdk.cli.warning_lines import warning_lines
from inpaint_sdk.errors import OutputError
from inpaint_sdk.options import Clouds, DamageIn, Options
from inpaint_sdk.restorer import Restorer

if TYPE_CHECKING:
    from tqdm import tqdm


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    help="Mask of static damage; nonzero pixels are restored.",
)
@click.option(
    "--mask-video",
    type=click.Path(path_type=Path),
    help="Video with a mask for each frame; white pixels are restored.",
)
@with_model
@click.option(
    "--steady/--no-steady",
    default=True,
    show_default=True,
    help="Under one mask: keep the filling still where nothing around it moves.",
)
@click.option(
    "--damage",
    type=click.Choice(get_args(DamageIn)),
    default="frame",
    show_default=True,
    help="Without a mask: look for damage in each frame, or for static damage in the whole video.",
)
@with_loading
@with_options()
@with_detector
@click.option(
    "--codec", help="FFmpeg's name of an encoder or codec, like libx264.  [default: the source's]"
)
@click.option("--crf", type=int, help="Constant quality of the encoder; lower is better.")
@click.option("--preset", help="Preset of x264 or x265, from ultrafast to slow.")
@with_overwrite_input
def video(
    source: Path,
    output: Path,
    mask: Path | None,
    mask_video: Path | None,
    model: str,
    clouds: Clouds | None,
    steady: bool,
    damage: DamageIn,
    loading: Loading,
    options: Options,
    detector: str,
    codec: str | None,
    crf: int | None,
    preset: str | None,
    overwrite_input: bool,
) -> None:
    """Restore the video SOURCE into OUTPUT; timing, audio, subtitles and chapters are kept.

    Without a mask a model that inpaints restores the damage that is found.

    Any container that FFmpeg knows. What the output cannot keep of its source is told. Packets
    that are damaged are left out and counted. The output appears when it is whole. Needs the extra:
    pip install 'inpaint-sdk[video]'
    """
    from tqdm import tqdm

    if not overwrite_input and is_one_of(output, (source, mask, mask_video)):
        raise OutputError(f"{output} is an input; give another, or --overwrite-input")
    from inpaint_sdk.video import restore_video
    from inpaint_sdk.video.encoders import Encoding

    os.environ.setdefault("SVT_LOG", "1")  # or the AV1 encoder tells all its settings
    restorer = Restorer.load(model, detector=detector, clouds=clouds, options=options, **loading)
    with warning_lines(), tqdm(unit="frame", disable=None) as bar:
        report = restore_video(
            restorer,
            source,
            output,
            mask=mask,
            mask_video=mask_video,
            steady=steady,
            damage=damage,
            encoding=Encoding(codec, crf, preset),
            progress=lambda done, total: _advance(bar, done, total),
        )
    rate = report.frames / report.seconds
    click.echo(f"restored {report.frames} frames in {report.seconds:.1f} s ({rate:.1f} a second)")
    if mask is None and mask_video is None and report.masked_fraction is not None:
        share = f"{100.0 * report.masked_fraction:.2f} % of the frames' pixels"
        click.echo(f"damage that was found: {share if report.masked_fraction else 'none'}")
    if report.left_alone:
        click.echo(f"{report.left_alone} frames were left as they are: damage was everywhere")


def _advance(bar: tqdm[None], done: int, total: int) -> None:
    bar.total = max(total, done)
    bar.update(done - bar.n)
