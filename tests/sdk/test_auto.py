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

from inpaint_sdk import Degradation, DetectionOptions, MaskError, OptionError, Options, Restorer
from inpaint_sdk.cli.main import main
from inpaint_sdk.policies import auto as module
from inpaint_sdk.policies.auto import CHOICES, choose
from inpaint_sdk.policies.operations import Inpaint
from inpaint_sdk.runners.detect import widen
from inpaint_sdk.runners.enhance import EnhanceRunner
from support.detector import scratched, write_detector

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


@pytest.fixture(scope="module")
def two_kinds_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that takes magenta for scratches and cyan for an overlay."""
    path = tmp_path_factory.mktemp("detector") / "kinds.onnx"
    return write_detector(path, {"scratch": 1, "overlay": 0})


@pytest.fixture
def halves(mask: Pixels) -> tuple[Pixels, Pixels]:
    """Two masks that do not touch."""
    left, right = mask.copy(), mask.copy()
    middle = mask.shape[1] // 2
    left[:, middle - 3 :] = 0
    right[:, : middle + 3] = 0
    assert left.any() and right.any()
    return left, right


def test_what_shows_through_is_undone_and_the_rest_is_filled(
    two_kinds_file: Path, image: Pixels, halves: tuple[Pixels, Pixels]
) -> None:
    auto = Restorer.load("auto", threads=2, detector=two_kinds_file)
    film, photo = (Restorer.load(name, threads=2) for name in ("film", "photo"))
    scratch, overlay = halves
    damaged = scratched(image, scratch)
    damaged[overlay > 0] = (255, 255, 0)
    options = replace(EXACT, kinds=frozenset({"scratch", "overlay"}))
    plan = auto.plan(damaged, options=options)
    assert [step.model for step in plan.steps] == ["magenta", "film", "photo"]
    soft = widen(scratch, 1)
    np.testing.assert_array_equal(plan.mask, soft | overlay)
    undone = film.restore(damaged, soft)
    expected = photo.restore(undone, overlay)
    np.testing.assert_array_equal(auto.restore(damaged, options=options), expected)
    # What a person marks may be an object, which would show through.
    both = replace(EXACT, add_found=True)
    plan = auto.plan(damaged, overlay, options=both)
    assert [step.model for step in plan.steps] == ["magenta", "film", "photo"]
    np.testing.assert_array_equal(auto.restore(damaged, overlay, options=both), expected)
    # Unless the person says that it is damage.
    damage = replace(both, mask_marks="damage")
    plan = auto.plan(damaged, overlay, options=damage)
    assert [step.model for step in plan.steps] == ["magenta", "film"]
    expected = film.restore(damaged, soft | widen(overlay, 1))
    np.testing.assert_array_equal(auto.restore(damaged, overlay, options=damage), expected)


def test_a_mask_may_mark_damage(image: Pixels, mask: Pixels) -> None:
    """As what is found: with the same margin, and restored the same."""
    auto, film = (Restorer.load(name, threads=2) for name in ("auto", "film"))
    damage = Options(mask_marks="damage")
    plan = auto.plan(image, mask, options=damage)
    assert [step.model for step in plan.steps] == ["film"]
    expected = film.restore(image, widen(mask, 1))
    np.testing.assert_array_equal(auto.restore(image, mask, options=damage), expected)
    np.testing.assert_array_equal(auto.restore(image, mask * 0, options=damage), image)
    with pytest.raises(MaskError, match="covers the whole image"):
        auto.restore(image, mask * 0 + 255, options=damage)
    reduced = replace(damage, strategy="resize")
    assert [step.model for step in auto.plan(image, mask, options=reduced).steps] == ["photo"]
    with pytest.raises(OptionError, match="mask_marks is 'objects'"):
        Options(mask_marks="objects")  # type: ignore[arg-type]


def test_what_shows_through_is_lost_in_a_reduced_picture(
    two_kinds_file: Path, image: Pixels, mask: Pixels
) -> None:
    reduced = replace(EXACT, strategy="resize")
    auto = Restorer.load("auto", threads=2, detector=two_kinds_file)
    plan = auto.plan(scratched(image, mask), options=reduced)
    assert [step.model for step in plan.steps] == ["magenta", "photo"]
    with pytest.raises(OptionError, match=r"'film' looks at what shows through .* like photo"):
        Restorer.load("film").restore(image, mask, options=reduced)


def test_a_wide_stain_is_looked_through_at_its_own_size() -> None:
    mask = np.zeros((400, 400), np.uint8)
    mask[100:290, 100:290] = 255
    picture = np.zeros((400, 400, 3), np.uint8)
    for name, is_reduced in (("photo", True), ("film", False)):
        (operation,) = Restorer.load(name).plan(picture, mask).operations
        assert isinstance(operation, Inpaint)
        assert (operation.plan.coarse is not None) == is_reduced


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


def test_what_is_not_bundled_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHOICES, "undo", ("none", "photo"))
    assert choose("undo") == "photo"
    monkeypatch.setitem(CHOICES, "undo", ("none",))
    assert choose("undo") is None


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
