"""What ``Restorer`` and ``Detector`` have in common: closing, pickling, sharing."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import BackendError, DetectionOptions, Detector, OptionError, Options, Restorer
from support.detector import scratched
from support.models import CountingPool

Pixels = NDArray[np.uint8]
EXACT = Options(detection=DetectionOptions(dilation=0))


@pytest.fixture
def damaged(image: Pixels, mask: Pixels) -> Pixels:
    return scratched(image, mask)


@pytest.fixture(params=["photo", "auto", "clean"])
def restorer(request: pytest.FixtureRequest, detector_file: Path) -> Restorer:
    return Restorer.load(request.param, threads=1, detector=detector_file, options=EXACT)


def test_photo_is_the_usual_model_and_damage_the_usual_detector() -> None:
    assert Restorer.load(threads=1).model.name == "photo"
    detector = Detector.load(threads=1)
    assert (detector.model.name, detector.model.task) == ("damage", "detect")
    assert repr(detector) == "Detector('damage', backend='onnxruntime-cpu')"


def test_calling_is_restoring(restorer: Restorer, damaged: Pixels, mask: Pixels) -> None:
    np.testing.assert_array_equal(restorer(damaged, mask), restorer.restore(damaged, mask))
    np.testing.assert_array_equal(
        restorer(damaged, options=Options()), restorer.restore(damaged, options=Options())
    )


def test_a_context_closes_it(restorer: Restorer, damaged: Pixels, mask: Pixels) -> None:
    with restorer as entered:
        assert entered is restorer
        restorer(damaged, mask)
        frames = restorer.frames(mask)
        plan = restorer.plan(damaged, mask)
    calls: tuple[Callable[[], object], ...] = (
        lambda: restorer(damaged, mask),
        lambda: restorer(damaged),
        lambda: restorer.detect(damaged),
        lambda: restorer.estimate_degradation(damaged),
        lambda: restorer.warm_up(32, 32),
        lambda: list(restorer.restore_many([(damaged, mask)])),
        lambda: frames(damaged),
        plan.run,
    )
    for call in calls:
        with pytest.raises(BackendError, match="closed"):
            call()
    restorer.close()
    assert restorer.model.name  # what it is can still be asked
    assert restorer.backend == "onnxruntime-cpu"


def test_a_detector_is_closed_too(detector_file: Path, damaged: Pixels) -> None:
    with Detector.load(detector_file, threads=1) as detector:
        assert detector(damaged).mask.any()
    with pytest.raises(BackendError, match="closed"):
        detector(damaged)


def test_an_error_within_a_context_closes_it_and_is_raised(photo: Restorer) -> None:
    with pytest.raises(KeyError), Restorer.load(threads=1) as restorer:
        raise KeyError
    with pytest.raises(BackendError, match="closed"):
        restorer(np.zeros((9, 9, 3), np.uint8), np.eye(9, dtype=bool))


def test_one_that_is_closed_leaves_others_open(
    photo: Restorer, image: Pixels, mask: Pixels
) -> None:
    Restorer.load("photo", threads=2).close()
    photo(image, mask)


def test_a_pickled_restorer_is_the_same(restorer: Restorer, damaged: Pixels, mask: Pixels) -> None:
    copy = pickle.loads(pickle.dumps(restorer))
    assert (repr(copy), copy.options, copy.model) == (repr(restorer), EXACT, restorer.model)
    np.testing.assert_array_equal(copy(damaged), restorer(damaged))
    np.testing.assert_array_equal(copy(damaged, mask), restorer(damaged, mask))
    copy.close()
    restorer(damaged, mask)


def test_a_pickled_restorer_keeps_clouds_and_channels(image: Pixels) -> None:
    restorer = Restorer.load("auto", threads=1, clouds="thin", channels="rgb")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(restorer))(image), restorer(image))
    assert (restorer(image) != Restorer.load("auto", threads=1, clouds="thin")(image)).any()


def test_a_pickled_one_finds_its_files_from_any_folder(
    detector_file: Path, damaged: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(detector_file.parent)
    restorer = Restorer.load("photo", threads=1, detector=detector_file.name)
    detector = Detector.load(detector_file.name, threads=1)
    copies = pickle.dumps((restorer, detector))
    monkeypatch.chdir(tmp_path)
    there, found = pickle.loads(copies)
    np.testing.assert_array_equal(there(damaged), restorer(damaged))
    np.testing.assert_array_equal(found(damaged).mask, detector(damaged).mask)


def test_a_pickled_detector_is_the_same(detector_file: Path, damaged: Pixels) -> None:
    detector = Detector.load(detector_file, threads=1, options=EXACT)
    copy = pickle.loads(pickle.dumps(detector))
    assert (repr(copy), copy.options) == (repr(detector), EXACT)
    np.testing.assert_array_equal(copy(damaged).widened_mask, detector(damaged).widened_mask)


def test_a_pickled_one_that_was_used_goes_to_another_process(
    detector_file: Path, damaged: Pixels, tmp_path: Path
) -> None:
    restorer = Restorer.load("photo", threads=1, detector=detector_file)
    expected = restorer(damaged)
    (tmp_path / "pickle").write_bytes(pickle.dumps((restorer, damaged)))
    program = (
        "import pickle, sys; import numpy as np; from pathlib import Path;"
        "restorer, picture = pickle.loads(Path('pickle').read_bytes());"
        "np.save('result.npy', restorer(picture))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, timeout=120)
    np.testing.assert_array_equal(np.load(tmp_path / "result.npy"), expected)


@pytest.mark.parametrize("kind", [Restorer, Detector])
def test_bad_arguments(kind: type[Restorer] | type[Detector]) -> None:
    with pytest.raises(OptionError, match="channels is 'gbr'; it must be one of 'bgr', 'rgb'"):
        kind.load(channels="gbr")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="options is a dict"):
        kind.load(options={})  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="threads is 0"):
        kind.load(threads=0)
    with pytest.raises(OptionError, match="device is 'gpu'"):
        kind.load(device="gpu")


def test_options_of_load_hold_for_a_detector(detector_file: Path, damaged: Pixels) -> None:
    detector = Detector.load(detector_file, threads=1, options=EXACT)
    found = detector(damaged)
    np.testing.assert_array_equal(found.widened_mask, found.mask)
    wider = Options(detection=DetectionOptions(dilation=2))
    assert detector(damaged, options=wider).widened_mask.sum() > found.mask.sum()


def test_warming_up_loads_and_runs_what_a_picture_needs(detector_file: Path) -> None:
    pool = CountingPool()
    Restorer("photo", pool, detector=detector_file).warm_up(60, 90)
    assert pool.runs["photo"] and pool.runs["magenta"]
    pool = CountingPool()
    Restorer("auto", pool, "bgr", Options(enhance=True), detector_file).warm_up(60, 90)
    assert set(pool.runs) == {"photo", "magenta", "film", "clean"}
    pool = CountingPool()
    Restorer("cloud-thin", pool, detector=detector_file).warm_up(60, 90)
    assert pool.loads == {"cloud-thin": 1}


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 200)])
def test_warming_up_for_the_smallest_pictures(restorer: Restorer, size: tuple[int, int]) -> None:
    restorer.warm_up(*size)
