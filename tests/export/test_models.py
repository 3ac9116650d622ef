from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inpaint_export.models.averaging import AveragingRound, to_mean
from inpaint_export.models.blocks import REPLICATE, Padding, residual_blocks
from inpaint_export.models.cnn import CnnConfig, CnnInpainter
from inpaint_export.models.fill import PullPushFill
from inpaint_export.models.sarnn import ScanRound


def box_mask(height: int, width: int, box: tuple[int, int, int, int]) -> Tensor:
    top, bottom, left, right = box
    mask = torch.zeros(1, 1, height, width)
    mask[..., top:bottom, left:right] = 1.0
    return mask


def test_fill_keeps_what_is_known() -> None:
    image, mask = torch.rand(2, 3, 64, 96), (torch.rand(2, 1, 64, 96) < 0.3).float()
    filled = PullPushFill()(image, mask)
    known = (mask == 0).expand_as(image)
    assert torch.equal(filled[known], image[known])


def test_fill_stays_within_the_known_colours() -> None:
    image, mask = torch.rand(1, 3, 64, 64) * 0.2 + 0.4, box_mask(64, 64, (8, 60, 8, 60))
    filled = PullPushFill()(image, mask)
    assert filled.min() >= 0.4 - 1e-4
    assert filled.max() <= 0.6 + 1e-4


@pytest.mark.parametrize("size", [(16, 16), (16, 512), (1024, 1024)])
def test_fill_of_a_plain_picture_is_plain(size: tuple[int, int]) -> None:
    """However far the hole is from the one known corner."""
    height, width = size
    image = torch.full((1, 3, height, width), 0.3)
    mask = torch.ones(1, 1, height, width)
    mask[..., :4, :4] = 0.0
    torch.testing.assert_close(PullPushFill()(image, mask), image, atol=1e-3, rtol=0)


def test_fill_follows_its_surroundings() -> None:
    """A ramp is continued better than by its mean."""
    ramp = torch.linspace(0, 1, 128).expand(1, 3, 64, 128).contiguous()
    mask = box_mask(64, 128, (20, 44, 40, 88))
    error = (PullPushFill()(ramp, mask) - ramp)[(mask > 0).expand_as(ramp)].abs().mean()
    flat = (0.5 - ramp)[(mask > 0).expand_as(ramp)].abs().mean()
    assert error < 0.5 * flat


def test_an_untrained_network_returns_the_fill() -> None:
    """It learns a residual, from zero."""
    model = CnnInpainter(CnnConfig((8, 8, 8), (1, 1), (1, 2), (1, 1))).eval()
    image, mask = torch.rand(1, 3, 32, 48), box_mask(32, 48, (8, 20, 8, 30))
    assert torch.equal(model(image, mask), PullPushFill()(image, mask))


def test_the_network_keeps_what_is_known_and_ignores_what_is_hidden() -> None:
    torch.manual_seed(0)
    model = CnnInpainter(CnnConfig((8, 8, 8), (1, 1), (1, 2), (1, 1))).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    image, mask = torch.rand(1, 3, 32, 48), box_mask(32, 48, (8, 20, 8, 30))
    output = model(image, mask)
    known = (mask == 0).expand_as(image)
    assert torch.equal(output[known], image[known])
    assert not torch.equal(output, model.fill(image, mask))
    torch.testing.assert_close(model(image * (1 - mask), mask), output)


def test_units_are_alive_at_the_start() -> None:
    """No unit of the stem is silent on every position of ordinary pictures."""
    torch.manual_seed(0)
    model = CnnInpainter()
    responses = []
    model.stem.register_forward_hook(lambda _m, _i, output: responses.append(output))
    model(torch.rand(4, 3, 64, 64), (torch.rand(4, 1, 64, 64) < 0.2).float())
    active = (responses[0] > 0).float().mean(dim=(0, 2, 3))
    assert (active > 0.0).float().mean() > 0.9


@pytest.mark.parametrize(("padding", "flat"), [(REPLICATE, True), ("zeros", False)])
def test_a_continued_border_is_not_seen(padding: Padding, flat: bool) -> None:
    torch.manual_seed(0)
    blocks = residual_blocks(4, 2, padding)
    for parameter in blocks.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    seen = blocks(torch.ones(1, 4, 16, 16))
    spread = seen.std(dim=(2, 3)).max().item()
    assert spread < 1e-5 if flat else spread > 0.01


def test_an_averaging_round_responds_alike_on_short_and_long_lines() -> None:
    torch.manual_seed(0)
    short, long = torch.ones(1, 6, 3, 5), torch.ones(1, 6, 40, 64)
    averaging, plain = AveragingRound(6), ScanRound(6, weigh=True)
    expected = averaging(short)[:, :, :1, :1]
    torch.testing.assert_close(averaging(long), expected.expand(1, 6, 40, 64), atol=1e-5, rtol=0)
    assert (plain(long).amax(dim=(2, 3)) - plain(short).amax(dim=(2, 3))).abs().max().item() > 0.1


def test_an_averaging_round_averages() -> None:
    """Its channels' maps are means of what lies on one side, nearer ones weighing more."""
    line = torch.tensor([4.0, 0.0, 2.0])
    weight = torch.tensor(0.5)
    scanned = torch.tensor([4.0, 2.0, 3.0])  # each half of the one before and its own
    means = scanned * to_mean(weight, torch.arange(1, 4))
    first_two = (4.0 * 0.5 + 0.0) / 1.5
    torch.testing.assert_close(means, torch.tensor([4.0, first_two, (1.0 + 0.0 + 2.0) / 1.75]))
    assert float(means.max()) <= float(line.max())
