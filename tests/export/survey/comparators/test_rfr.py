"""RFR: partial convolutions, repetitions, merging, and attention that stays consistent."""

from __future__ import annotations

import pytest
import torch

from inpaint_export.survey.comparators.rfr import ConsistentAttention, PartialConv, RfrNetwork


def hole(side: int, rim: int) -> torch.Tensor:
    known = torch.ones(1, 1, side, side)
    known[..., rim:-rim, rim:-rim] = 0.0
    return known


def test_a_partial_convolution_does_not_see_what_is_not_known() -> None:
    layer = PartialConv(2, 3, 3)
    known = hole(12, 3)
    x = torch.rand(1, 2, 12, 12)
    first, after = layer(x, known)
    second, _ = layer(torch.where(known > 0.0, x, 99.0), known)
    torch.testing.assert_close(first, second)
    assert torch.equal(after, hole(12, 4))  # one position further in
    assert (first * (1.0 - after) == 0.0).all()


def test_a_partial_convolution_weighs_what_is_known_as_if_all_were() -> None:
    layer = PartialConv(1, 1, 3)
    layer.conv.weight.data.fill_(1.0 / 9.0)
    output, known = layer(torch.ones(1, 1, 12, 12), hole(12, 3))
    torch.testing.assert_close(output, known)


def test_each_repetition_closes_more_of_the_hole_and_the_last_all() -> None:
    model = RfrNetwork(8, 8, repetitions=3)
    x = torch.rand(1, 8, 32, 32)
    areas = [float(known.mean()) for _, known in model.repeated(x, hole(32, 1))]
    assert areas[0] < areas[1] < areas[2] == 1.0


def test_merging_averages_over_the_repetitions_that_know_a_position(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = RfrNetwork(8, 8, repetitions=2)
    early, late = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    early[..., :4] = 1.0
    made = [(torch.full((1, 8, 8, 8), 1.0) * early, early), (torch.full((1, 8, 8, 8), 3.0), late)]
    monkeypatch.setattr(model, "repeated", lambda x, known: iter(made))
    merged = model.merged(torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64))
    assert (merged[..., :4] == 2.0).all()  # both know it
    assert (merged[..., 4:] == 3.0).all()  # the later one alone


def test_attention_keeps_its_scores_where_a_position_was_known() -> None:
    layer = ConsistentAttention(4)
    x, known = torch.rand(1, 4, 6, 6), torch.zeros(1, 1, 6, 6)
    known[..., :3, :] = 1.0
    _, (fresh, _) = layer(x, known, None)
    torch.testing.assert_close(fresh.sum(dim=1), torch.ones(1, 6, 6))
    kept = torch.softmax(torch.randn(1, 36, 6, 6), dim=1)
    layer.ratio.data.fill_(0.0)
    _, (strict, _) = layer(x, known, (kept, known))
    torch.testing.assert_close(strict[..., :3, :], kept[..., :3, :], atol=1e-5, rtol=0.0)
    torch.testing.assert_close(strict[..., 3:, :], fresh[..., 3:, :], atol=1e-5, rtol=0.0)
    layer.ratio.data.fill_(1.0)
    _, (mixed, _) = layer(x, known, (kept, known))
    torch.testing.assert_close(mixed[..., :3, :], 0.5 * (kept + fresh)[..., :3, :])


def test_what_is_under_the_mask_does_not_matter_and_what_is_known_stays() -> None:
    model = RfrNetwork(8, 8, 2).eval()
    image, mask = torch.rand(1, 3, 64, 64), 1.0 - hole(64, 20)
    with torch.inference_mode():
        first = model(image, mask)
        second = model(torch.where(mask > 0.0, 0.3, image), mask)
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(first * (1.0 - mask), image * (1.0 - mask))
