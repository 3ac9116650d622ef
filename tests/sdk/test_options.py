from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import DetectionOptions, InpaintError, OptionError, Options, Restorer

Pixels = NDArray[np.uint8]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "best"}, "strategy is 'best'; it must be one of 'auto', 'crop', 'resize'"),
        ({"strategy": None}, "strategy is None"),
        ({"strategy": np.array(["auto", "crop"])}, "strategy is array("),
        ({"memory_mb": 15}, "memory_mb is 15; it must be at least 16"),
        ({"memory_mb": 640.0}, "memory_mb is 640.0"),
        ({"memory_mb": True}, "memory_mb is True"),
        ({"memory_mb": "640"}, "memory_mb is '640'"),
        ({"detection": 0.5}, "detection is 0.5; it must be DetectionOptions"),
        ({"detection": None}, "detection is None"),
        ({"add_found": "no"}, "add_found is 'no'; it must be True or False"),
        ({"strength": 1.5}, "strength is 1.5; it must be a number from 0 to 1"),
        ({"strength": -0.1}, "strength is -0.1"),
        ({"strength": float("nan")}, "strength is nan"),
        ({"strength": True}, "strength is True"),
        ({"strength": "0.5"}, "strength is '0.5'"),
        ({"texture": 1.5}, "texture is 1.5; it must be a number from 0 to 1"),
        ({"texture": True}, "texture is True"),
        ({"kinds": "scratch"}, "kinds is 'scratch'; give a set of words"),
        ({"kinds": set()}, "kinds is "),
        ({"kinds": {3}}, "kinds is {3}"),
        ({"kinds": {"Scratch"}}, "kinds is {'Scratch'}"),
        ({"kinds": {""}}, "kinds is {''}"),
        ({"kinds": {"scratch\n"}}, "kinds is "),
        ({"kinds": 7}, "kinds is 7"),
        ({"kinds": [["scratch"]]}, "kinds is "),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as refused:
        Options(**options)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "threshold is 0.0; it must be a number between 0 and 1"),
        ({"threshold": 1}, "threshold is 1;"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"threshold": "0.5"}, "threshold is '0.5'"),
        ({"threshold": True}, "threshold is True"),
        ({"min_mean_probability": 1.0}, "min_mean_probability is 1.0"),
        ({"min_mean_probability": None}, "min_mean_probability is None"),
        ({"dilation": -1}, "dilation is -1; it must be a number of pixels"),
        ({"dilation": 1.0}, "dilation is 1.0"),
        ({"dilation": True}, "dilation is True"),
    ],
)
def test_detection_options_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as refused:
        DetectionOptions(**options)
    assert str(refused.value).startswith(message)


def test_an_option_error_is_an_error_of_the_package_and_of_a_value() -> None:
    for kind in (InpaintError, ValueError):
        with pytest.raises(kind):
            Options(memory_mb=0)


def test_numbers_of_numpy_are_numbers() -> None:
    options = Options(
        memory_mb=np.int64(64),  # type: ignore[arg-type]
        detection=DetectionOptions(np.float32(0.25), np.uint8(3), np.float64(0.5)),  # type: ignore[arg-type]
    )
    assert options == Options("auto", 64, DetectionOptions(0.25, 3, 0.5))
    assert type(Options(memory_mb=np.int16(640)).memory_mb) is int, "it would overflow"  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [10**400, -(10**5000), 10**5000], ids=["long", "low", "high"])
def test_huge_numbers(number: int) -> None:
    with pytest.raises(OptionError, match="a huge number"):
        Options(memory_mb=number)
    with pytest.raises(OptionError, match="a huge number"):
        DetectionOptions(dilation=number)


def test_they_do_not_change() -> None:
    kinds = {"scratch"}
    options = Options(kinds=kinds)  # type: ignore[arg-type]
    kinds.add("speck")
    assert options.kinds == frozenset({"scratch"})
    for changed, name in ((options, "memory_mb"), (options.detection, "threshold")):
        with pytest.raises(FrozenInstanceError):
            setattr(changed, name, 0)
    assert hash(options) == hash(replace(options))
    assert pickle.loads(pickle.dumps(options)) == options


def test_a_copy_is_checked_too() -> None:
    with pytest.raises(OptionError, match="memory_mb is 3"):
        replace(Options(), memory_mb=3)


def test_those_of_a_call_replace_those_of_load(image: Pixels, mask: Pixels) -> None:
    """As one object: what a call does not name has its default, not what ``load`` was given."""
    resize = Options(strategy="resize", memory_mb=16)
    restorer = Restorer.load("photo", threads=2, options=resize)
    usual = Restorer.load("photo", threads=2)
    assert (restorer.options, usual.options) == (resize, Options())
    large = np.tile(image, (8, 6, 1))
    where = np.tile(mask, (8, 6))
    resized, cropped = restorer.restore(large, where), usual.restore(large, where)
    assert (resized != cropped).any()
    np.testing.assert_array_equal(usual.restore(large, where, options=resize), resized)
    np.testing.assert_array_equal(
        restorer.restore(large, where, options=Options(memory_mb=320)), cropped
    )


@pytest.mark.parametrize("options", [{"strategy": "crop"}, "crop", DetectionOptions()])
def test_what_is_no_options(options: Any, photo: Restorer, image: Pixels, mask: Pixels) -> None:
    calls = (
        lambda: Restorer.load("photo", options=options),
        lambda: photo.restore(image, mask, options=options),
        lambda: photo.detect(image, options=options),
        lambda: photo.estimate_degradation(image, options=options),
        lambda: photo.frames(mask, options=options),
        lambda: photo.stream([image], mask, options=options),
        # At the call and not at the first result, which may be asked for elsewhere, or never.
        lambda: photo.restore_many([(image, mask)], options=options),
    )
    for call in calls:
        with pytest.raises(OptionError, match=r"options is a .*; give inpaint_sdk\.Options"):
            call()
