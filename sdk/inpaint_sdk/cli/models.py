"""``inpaint-sdk models``: models that can be loaded by name."""

from __future__ import annotations

import click

from inpaint_sdk.models.zoo import list_models, list_precisions


@click.command()
def models() -> None:
    """List the models that come with the SDK, with their measured quality."""
    listed = list_models()
    for model in listed:
        millions = model.parameters / 1e6
        click.echo(f"{model.name}  ({model.family}, {model.task}, {millions:.1f} M parameters)")
        click.echo(f"  {model.description}")
        for row in model.quality:
            if row.psnr_hole is None:
                measured = f"{row.data}: PSNR {row.psnr:.2f} dB"
            else:
                measured = f"{row.data}, {row.masks}: PSNR {row.psnr_hole:.2f} dB in the hole"
            click.echo(f"  {measured}, SSIM {row.ssim:.4f} ({row.pictures} pictures)")
        for found in model.detection:
            f1 = "" if found.f1 is None else f"F1 {found.f1:.3f}, "
            rate = f"{100.0 * found.false_positive_rate:.3f} % false positives"
            click.echo(
                f"  {found.data}, damage {found.kind}: {f1}{rate} ({found.pictures} pictures)"
            )
        for lower in list_precisions(model.name)[1:]:
            click.echo(
                f"  Also in {lower.precision}: loses {lower.precision_loss:.3f} {lower.loss_unit}"
            )
        click.echo(f"  Licence: {model.licence}")
        click.echo(f"  Trained on: {model.training_data}")
