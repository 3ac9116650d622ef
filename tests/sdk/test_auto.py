"""What ``auto`` chooses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from inpaint_sdk import Degradation, DetectionOptions, OptionError, Options, Restorer
from inpaint_sdk.cli.main import main
from inpaint_sdk.policies import auto as module
from inpaint_sdk.policies.auto import CHOICES, choose
from inpaint_sdk.policies.wide import has_wide_part
from inpaint_sdk.runners.enhance import EnhanceRunner
from support.detector import scratched

Pixels = NDArray[Any]
EXACT = Options(detection=DetectionOptions(dilation=0))


@pytest.fixture(scope="module")
def auto(detector_file: Path) -> Restorer:
    return Restorer.load("auto", threads=2, detector=detector_file)


@pytest.fixture
def only_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is bundled beside what fills and what removes clouds, whatever comes to be."""
    bundled = {"photo", "cloud-thin", "cloud-thick"}
    monkeypatch.setattr(module, "is_bundled", bundled.__contains__)


@pytest.mark.usefixtures("only_the_first")
def test_damage_is_found_and_filled(
    auto: Restorer, photo: Restorer, image: Pixels, mask: Pixels
) -> None:
    damaged = scratched(image, mask)
    plan = auto.plan(damaged, options=EXACT)
    assert [(step.action, step.model) for step in plan.steps] == [
        ("detect", "magenta"),
        ("inpaint", "photo"),
    ]
    expected = photo.restore(damaged, mask)
    np.testing.assert_array_equal(auto.restore(damaged, options=EXACT), expected)


@pytest.mark.usefixtures("only_the_first")
def test_a_clean_picture_comes_back_as_it_is(auto: Restorer, image: Pixels) -> None:
    np.testing.assert_array_equal(auto.restore(image), image)
    assert str(auto.plan(image)) == "no damage was found, the picture is unchanged"


@pytest.mark.usefixtures("only_the_first")
def test_under_a_mask_only_it_changes(
    auto: Restorer, photo: Restorer, image: Pixels, mask: Pixels
) -> None:
    plan = auto.plan(image, mask)
    assert (plan.detection, [step.model for step in plan.steps]) == (None, ["photo"])
    np.testing.assert_array_equal(auto.restore(image, mask), photo.restore(image, mask))
    np.testing.assert_array_equal(auto.restore(image, mask * 0), image)
    for steady in (False, True):
        restore = auto.frames(mask, steady=steady)
        np.testing.assert_array_equal(restore(image), photo.restore(image, mask))


@pytest.mark.parametrize("clouds", ["thin", "thick"])
def test_clouds_are_removed_where_one_says_so(clouds: Any, image: Pixels, mask: Pixels) -> None:
    auto = Restorer.load("auto", threads=2, clouds=clouds)
    model = Restorer.load(f"cloud-{clouds}", threads=2)
    hazy = (image * 0.5 + 62.0).round().astype(np.uint8)
    plan = auto.plan(hazy)
    assert [(step.action, step.model) for step in plan.steps] == [("enhance", f"cloud-{clouds}")]
    np.testing.assert_array_equal(auto.restore(hazy), model.restore(hazy))
    marked = auto.plan(hazy, mask)
    assert [step.model for step in marked.steps] == [f"cloud-{clouds}"]
    np.testing.assert_array_equal(auto.restore(hazy, mask), model.restore(hazy, mask))
    for steady in (False, True):
        restore = auto.frames(mask, steady=steady)
        np.testing.assert_array_equal(restore(hazy), model.restore(hazy, mask))


@pytest.mark.parametrize("strategy", ["auto", "resize"])
def test_a_distorted_picture_is_cleaned_before_damage_is_found_and_filled(
    auto: Restorer, image: Pixels, mask: Pixels, rng: np.random.Generator, strategy: Any
) -> None:
    noisy = (image + rng.normal(0.0, 30.0, image.shape)).clip(0, 255).astype(np.uint8)
    damaged = scratched(noisy, mask)
    options = replace(EXACT, strategy=strategy, enhance=True)
    plan = auto.plan(damaged, options=options)
    assert [step.model for step in plan.steps] == ["clean", "magenta", "photo"]
    assert plan.steps[0].detail.startswith("noise 0.")
    cleaned = Restorer.load("clean", threads=2).restore(damaged, options=options)
    found = auto.detect(cleaned).mask
    assert found.any() and not np.array_equal(found, auto.detect(damaged).mask)
    expected = Restorer.load("photo", threads=2).restore(cleaned, found, options=options)
    restored = auto.restore(damaged, options=options)
    np.testing.assert_array_equal(restored, expected)
    with_mask = auto.plan(damaged, mask, options=options)
    assert "clean" not in [step.model for step in with_mask.steps]


def test_grain_is_left_alone_unless_one_asks(
    auto: Restorer, image: Pixels, rng: np.random.Generator
) -> None:
    grainy = (image + rng.normal(0.0, 30.0, image.shape)).clip(0, 255).astype(np.uint8)
    result = auto.run(grainy, options=EXACT)
    assert "clean" not in [step.model for step in result.plan.steps]
    kept = result.mask == 0
    np.testing.assert_array_equal(result.image[kept], grainy[kept])


def test_a_hardly_distorted_picture_is_not_cleaned(
    auto: Restorer, image: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Degradation(0.01, 0.0, 0.0)
    monkeypatch.setattr(EnhanceRunner, "enhance", lambda *_, **__: (image * 0, said))
    asked = replace(EXACT, enhance=True)
    assert "clean" not in [step.model for step in auto.plan(image, options=asked).steps]
    np.testing.assert_array_equal(auto.restore(image, options=asked), image)


def test_wide_holes_may_be_for_another_model(
    auto: Restorer, photo: Restorer, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (400, 400), interpolation=cv2.INTER_CUBIC)
    mask = np.zeros((400, 400), np.uint8)
    mask[350:354, 10:380] = 255
    np.testing.assert_array_equal(auto.restore(picture, mask), photo.restore(picture, mask))
    mask[100:290, 100:290] = 255
    np.testing.assert_array_equal(auto.restore(picture, mask), photo.restore(picture, mask))
    monkeypatch.setitem(CHOICES, "fill wide", ("photo-codebook",))  # type: ignore[arg-type]
    plan = auto.plan(picture, mask)
    assert [(step.action, step.model) for step in plan.steps] == [("inpaint", "photo-codebook")]
    expected = Restorer.load("photo-codebook", threads=2).restore(picture, mask)
    np.testing.assert_array_equal(auto.restore(picture, mask), expected)


def test_wide_holes_are_told_by_what_has_room_in_them() -> None:
    mask = np.zeros((100, 200), np.uint8)
    assert not has_wide_part(mask, 20)
    mask[10:14, 5:190] = 255  # long, not wide
    mask[40:52, 100:112] = 255
    assert not has_wide_part(mask, 20)
    mask[30:70, 20:60] = 255
    assert has_wide_part(mask, 20)
    assert not has_wide_part(mask, 50)


def test_what_is_not_bundled_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHOICES, "fill wide", ("none", "photo"))  # type: ignore[arg-type]
    assert choose("fill wide") == "photo"
    monkeypatch.setitem(CHOICES, "fill wide", ("none",))  # type: ignore[arg-type]
    assert choose("fill wide") is None


def test_what_is_refused() -> None:
    with pytest.raises(OptionError, match="clouds is 'dark'"):
        Restorer.load("auto", clouds="dark")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="clouds is for the model 'auto'; photo is another"):
        Restorer.load("photo", clouds="thin")


def test_the_command(tmp_path: Path, detector_file: Path, image: Pixels, mask: Pixels) -> None:
    cv2.imwrite(str(tmp_path / "in.png"), scratched(image, mask))
    output = tmp_path / "out.png"
    command = ["restore", str(tmp_path / "in.png"), "--model", "auto", "-o", str(output)]
    result = CliRunner().invoke(main, [*command, "--detector", str(detector_file)])
    assert result.exit_code == 0, result.output
    assert "detect (magenta)" in result.output
    assert "inpaint (photo)" in result.output
    result = CliRunner().invoke(main, [*command, "--clouds", "thick"])
    assert result.exit_code == 0, result.output
    expected = Restorer.load("cloud-thick").restore(scratched(image, mask))
    np.testing.assert_array_equal(cv2.imread(str(output)), expected)
    result = CliRunner().invoke(main, [*command[:2], "--clouds", "thick", "-o", str(output)])
    assert result.exit_code == 1
    assert "clouds is for the model 'auto'" in result.output


def test_it_says_what_it_is(auto: Restorer) -> None:
    assert repr(auto) == "Restorer('auto', backend='onnxruntime-cpu')"
    assert auto.model.name == "photo"
