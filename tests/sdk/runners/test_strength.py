"""How far a model may change a picture, by strength and by what it says of the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import Degradation, Options
from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.images.image import Image
from inpaint_sdk.runners.degradation import FAINT, PLAIN, change_share, kinds_seen
from inpaint_sdk.runners.enhance import EnhanceRunner
from support.models import FakeSession, Tensors, model_info

Pixels = NDArray[Any]

STRENGTHS = (0.0, 0.1, 0.25, 0.5, 0.6, 0.9, 1.0)


class Darker(FakeSession):
    """Halves the light, and says what it is told to of noise."""

    inputs = ("image",)

    def __init__(self, noise: float | None) -> None:
        self.noise, self.runs = noise, 0
        self.outputs = ("output",) if noise is None else ("output", "degradation")

    def run(self, inputs: Tensors) -> Tensors:
        self.runs += 1
        found = {"output": inputs["image"] * np.float32(0.5)}
        if self.noise is not None:
            found["degradation"] = np.array([[self.noise, 0.0, 0.0]], np.float32)
        return found


def runner(session: Darker, **options: Any) -> EnhanceRunner:
    info = model_info(name="darker", outputs=session.outputs)
    return EnhanceRunner(LoadedModel(info, session), Options(**options))


@pytest.fixture
def picture(rng: np.random.Generator) -> Pixels:
    return rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)


def test_the_share_grows_with_the_strength_and_with_the_degradation() -> None:
    noises = np.linspace(0.0, 0.2, 41)
    shares = np.array(
        [[change_share(Degradation(n, 0.0, 0.0), s) for n in noises] for s in STRENGTHS]
    )
    assert (np.diff(shares, axis=0) >= 0.0).all()
    assert (np.diff(shares, axis=1) >= 0.0).all()
    assert (shares[0] == 0.0).all()
    assert (shares[-1] == 1.0).all()


def test_at_the_default_faint_is_left_and_plain_is_cleaned() -> None:
    default = Options().strength
    for kind in ("noise", "blur", "compression"):
        plain = getattr(PLAIN, kind)
        none = {"noise": 0.0, "blur": 0.0, "compression": 0.0}
        assert change_share(Degradation(**{**none, kind: FAINT * plain}), default) == 0.0
        assert 0.0 < change_share(Degradation(**{**none, kind: 0.75 * plain}), default) < 1.0
        assert change_share(Degradation(**{**none, kind: plain}), default) == 1.0
    assert change_share(None, default) == 1.0
    assert change_share(None, default / 2.0) == 0.5


@pytest.mark.parametrize("strength", STRENGTHS[1:-1])
def test_what_is_seen_is_what_is_cleaned(strength: float) -> None:
    for noise in (0.0, 0.04, 0.06, 0.3):
        found = Degradation(noise, 0.0, 0.0)
        seen = {"noise": noise} if change_share(found, strength) > 0.0 else {}
        assert kinds_seen(found, strength) == seen
    assert kinds_seen(None, strength) == {}


@pytest.mark.parametrize(
    ("noise", "strength", "share"),
    [
        (0.3, 0.5, 1.0),
        (0.3, 0.25, 0.5),
        (0.3, 0.0, 0.0),
        (0.01, 0.5, 0.0),
        (0.01, 1.0, 1.0),
        (None, 0.5, 1.0),
        (None, 0.25, 0.5),
        (None, 0.0, 0.0),
    ],
)
@pytest.mark.parametrize("memory_mb", [16, 640])
def test_a_share_of_the_change_is_kept(
    picture: Pixels, noise: float | None, strength: float, share: float, memory_mb: int
) -> None:
    model = runner(Darker(noise), strength=strength, memory_mb=memory_mb)
    found, _ = model.enhance(Image(picture), None)
    if share == 0.0:
        np.testing.assert_array_equal(found, picture)
    expected = picture * (1.0 - 0.5 * share)
    assert np.abs(found - expected).max() <= 1.0


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.5, 0.6])
@pytest.mark.parametrize("noise", [0.02, 0.07, 0.3, None])
def test_in_place_is_as_elsewhere(picture: Pixels, noise: float | None, strength: float) -> None:
    model = runner(Darker(noise), strength=strength)
    before = picture.copy()
    expected, _ = model.enhance(Image(picture), None)
    np.testing.assert_array_equal(picture, before)
    other = np.empty_like(picture)
    assert model.enhance(Image(picture), None, other)[0] is other
    np.testing.assert_array_equal(other, expected)
    assert model.enhance(Image(picture), None, picture)[0] is picture
    np.testing.assert_array_equal(picture, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_what_is_not_marked_stays_to_the_bit(rng: np.random.Generator, dtype: Any) -> None:
    picture = rng.random((40, 50, 4))
    top = 1.0 if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).max
    picture = (picture * top).astype(dtype)
    mask = np.zeros((40, 50), np.uint8)
    mask[10:20, 5:30] = 255
    found, _ = runner(Darker(0.3), strength=0.3).enhance(Image(picture), mask)
    np.testing.assert_array_equal(found[mask == 0], picture[mask == 0])
    np.testing.assert_array_equal(found[..., 3], picture[..., 3])
    assert (found[mask > 0][..., :3] < picture[mask > 0][..., :3]).mean() > 0.9


def test_nothing_runs_for_a_strength_of_none(picture: Pixels) -> None:
    session = Darker(0.3)
    found, told = runner(session, strength=0.0).enhance(Image(picture), None)
    assert found is not picture and session.runs == 0 and told is None


def test_the_strategy_resize_asks_the_whole_picture(rng: np.random.Generator) -> None:
    """A reduced picture has lost its noise, which decides."""
    picture = rng.integers(0, 256, (700, 700, 3)).astype(np.uint8)
    for noise, changed in ((0.01, False), (0.3, True)):
        model = runner(Darker(noise), strategy="resize")
        found, told = model.enhance(Image(picture), None)
        assert (found != picture).any() == changed
        assert told is not None and told.noise == pytest.approx(noise)
