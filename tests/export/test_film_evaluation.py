"""Detectors measured by kind on film damage, and the thresholds that their files hold."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner

from inpaint_eval.detection import Counts
from inpaint_eval.film import FilmDamage, film_pictures
from inpaint_eval.film_library import FilmLibrary
from inpaint_eval.median import MedianResidual, tune
from inpaint_export.cli import main
from inpaint_export.data.film_damage import KINDS
from inpaint_export.errors import ExportError
from inpaint_export.film_evaluation.detectors import _count_group, _Found
from inpaint_export.model_document import set_info
from inpaint_export.models.kind_detector import KindDetector, KindDetectorConfig
from inpaint_export.precision.storage import round_weights
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.data import recipe_to_data
from inpaint_export.thresholds import fold_thresholds, measure_thresholds, read_thresholds
from inpaint_export.training.checkpoint import save_checkpoint
from inpaint_export.training.kind_validation import (
    THRESHOLDS,
    KindValidationConfig,
    marked_at,
)
from inpaint_sdk import Restorer
from inpaint_sdk.models.file import content_digest, read_model_file
from inpaint_sdk.models.zoo import open_model
from support.film import write_film
from support.models import model_info

SMALL = KindDetectorConfig(fine=8, widths=(8, 8, 8, 8), dilations=(1,), scanned=0)


def shaken() -> KindDetector:
    torch.manual_seed(0)
    model = KindDetector(SMALL).eval()
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    assert model.head.bias is not None
    model.head.bias.data += 3.0
    return model


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_film(root)
    rng = np.random.default_rng(0)
    for folder, names in (("val", range(2)), ("more", range(12))):
        (root / "photos" / folder).mkdir(parents=True)
        for index in names:
            coarse = rng.integers(20, 236, (8, 9, 3)).astype(np.uint8)
            picture = cv2.resize(coarse, (320, 320), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(root / "photos" / folder / f"{index}.png"), picture)
    return root


def test_a_threshold_becomes_a_half() -> None:
    model, picture = shaken(), torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        before = model(picture)
        fold_thresholds(model, {"speck": 0.6, "overlay": 0.3})
        after = model(picture)
    for kind, threshold in (("speck", 0.6), ("overlay", 0.3), ("stain", 0.5)):
        plane, shifted = before[0, KINDS.index(kind)], after[0, KINDS.index(kind)]
        sure = (plane - threshold).abs() > 1e-4
        assert torch.equal((plane >= threshold)[sure], (shifted >= 0.5)[sure])
    assert torch.equal(before[0, KINDS.index("stain")], after[0, KINDS.index("stain")])


def test_validation_marks_what_users_find() -> None:
    """With the threshold folded in, and without regions that are not sure as a whole."""
    probability = np.full((8, 16), 0.1, np.float32)
    probability[2:5, 2:5] = 0.99
    probability[2:5, 10:13] = 0.91
    assert (marked_at(probability, 0.9) > 0).sum() == 9
    assert (marked_at(probability, 0.5) > 0).sum() == 18
    assert not marked_at(probability, 0.995).any()


def test_thresholds_are_measured_on_validation_pictures(root: Path) -> None:
    validation = KindValidationConfig("photos/val", count=1, undamaged=2)
    recipe = replace(load_recipe("damage"), validation=validation)
    found = measure_thresholds(shaken(), recipe, root)
    assert set(found) == set(KINDS)
    assert set(found.values()) <= set(THRESHOLDS)
    with pytest.raises(ExportError, match="needs --data"):
        measure_thresholds(shaken(), recipe, None)
    with pytest.raises(ExportError, match="photo chooses no thresholds"):
        measure_thresholds(shaken(), load_recipe("photo"), root)


class Unnamed(KindDetector):
    logit_bias = ""


def test_thresholds_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ExportError, match="thresholds for rust; the network finds scratch"):
        fold_thresholds(shaken(), {"rust": 0.5})
    with pytest.raises(ExportError, match=r"threshold of speck is 1\.0"):
        fold_thresholds(shaken(), {"speck": 1.0})
    with pytest.raises(ExportError, match="has no logit_bias"):
        fold_thresholds(Unnamed(SMALL), {"speck": 0.5})


def test_thresholds_are_read_from_words_or_the_log(tmp_path: Path) -> None:
    checkpoint = tmp_path / "last.pt"
    assert read_thresholds("scratch=0.9, speck=.95", checkpoint, 5) == {
        "scratch": 0.9,
        "speck": 0.95,
    }
    with pytest.raises(ExportError, match=r"thresholds are like scratch=0\.9"):
        read_thresholds("scratch", checkpoint, 5)
    with pytest.raises(ExportError, match=r"there is no .*log\.jsonl"):
        read_thresholds("validation", checkpoint, 5)
    entries = [
        {"step": 2, "val_speck_threshold": 0.8, "val_speck_f1": 0.1},
        {"step": 4, "val_speck_threshold": 0.7},
        {"step": 5, "entropy": 0.1},
        {"step": 6, "val_speck_threshold": 0.6},
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, entries)))
    assert read_thresholds("validation", checkpoint, 5) == {"speck": 0.7}
    with pytest.raises(ExportError, match="no validation with thresholds up to step 1"):
        read_thresholds("validation", checkpoint, 1)


def test_a_sort_of_pieces_is_counted_by_itself() -> None:
    truth, damaged, mask, specks, none = np.zeros((5, 20, 40), np.uint8)
    truth[5:8, 5:8] = 255  # dust, found as a scratch
    damaged[5:8, 5:8] = damaged[5:8, 30:33] = 255  # and a hair, found
    mask[5:8, 5:8] = mask[5:8, 30:33] = 255
    mask[15, 10:12] = 255  # nothing, called a scratch
    mask[15, 20:23] = specks[15, 20:23] = 255  # nothing, called a speck
    found = _Found(mask, {"speck": specks}, np.zeros((20, 40, 3), np.uint8))
    count = Counts()
    _count_group(count, found, truth, damaged, none, "speck")
    assert (count.right, count.wrong, count.missed) == (9, 3, 0)
    peer = Counts()
    _count_group(peer, _Found(mask, {}, found.restored), truth, damaged, none, "speck")
    assert (peer.right, peer.wrong, peer.missed) == (9, 5, 0)


def test_the_median_is_tuned_within_what_it_may_mark(root: Path) -> None:
    damage = FilmDamage(FilmLibrary.read(root, "train"))
    items = list(film_pictures(root, "photos/val", damage=damage))
    best, careful = tune(items), tune(items, 0.0005)
    marked = sum(np.count_nonzero(careful.find(item.clean)) for item in items)
    assert marked <= 0.0005 * sum(item.clean[..., 0].size for item in items)
    scores = []
    for median in (best, careful, MedianResidual(9, "any", 100.0, 8.0)):
        count = Counts()
        for item in items:
            truth = np.maximum.reduce([item.pieces[n] for n in ("dust", "hair", "scratch")])
            stains = np.where(truth > 0, np.uint8(0), item.pieces["stain"])
            count.add(median.find(item.picture), truth, np.maximum(item.ignored, stains))
        scores.append(count.f1_near)
    assert scores[0] == max(scores) > 0.0
    with pytest.raises(ValueError, match="no median residual marks at most"):
        tune(items, -1.0)


def test_a_detector_is_exported_with_thresholds_and_measured(root: Path, tmp_path: Path) -> None:
    recipe = replace(load_recipe("damage"), build=partial(KindDetector, SMALL))
    state = {
        "recipe": recipe_to_data(recipe),
        "revision": "",
        "seed": 0,
        "step": 7,
        "precision": "fp32",
        "rng": torch.get_rng_state(),
        "ema": shaken().state_dict(),
    }
    save_checkpoint(tmp_path / "last.pt", state)
    model, result = tmp_path / "small.onnx", tmp_path / "film.json"
    options = ["export", str(tmp_path / "last.pt"), "-o", str(model)]
    exported = CliRunner().invoke(main, [*options, "--thresholds", "scratch=0.6"])
    assert exported.exit_code == 0, exported.output
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    found = Restorer.load("photo", channels="rgb", detector=model).detect(picture)
    folded = shaken()
    fold_thresholds(folded, {"scratch": 0.6})
    round_weights(folded)  # as the file has them
    with torch.inference_mode():
        expected = folded(torch.from_numpy(picture / np.float32(255)).permute(2, 0, 1)[None])
    np.testing.assert_allclose(found.probabilities, expected[0].numpy(), atol=1e-4)

    arguments = ["eval", str(model), "--data", str(root), "--film", "-o", str(result)]
    arguments += ["--limit", "1", "--threads", "1", "--write"]
    measured = CliRunner().invoke(main, arguments)
    assert measured.exit_code == 0, measured.output
    assert "median residual" in measured.output
    document = json.loads(result.read_text())
    assert document["model"]["digest"] == read_model_file(model).info.digest
    assert document["machine"]["dirty"] in (True, False, None)
    assert next(iter(document["methods"])) == "damage"
    ours = document["methods"]["damage"]
    assert set(ours["kinds"]) == {"scratch", "speck", "stain"}
    assert ours["undamaged"]["hard, drawn"]["pictures"] == 20
    assert set(document["other_damage"]) == set(KINDS)
    rows = {row.data for row in read_model_file(model).info.detection}
    assert rows == {
        "held-out film damage",
        "undamaged scans",
        "undamaged hard, drawn",
        "undamaged hard, photographs",
    }


def identity(path: Path) -> Path:
    """A restorer of damage that changes nothing."""
    values = [
        onnx.helper.make_tensor_value_info(
            name, onnx.TensorProto.FLOAT, ["batch", channels, "height", "width"]
        )
        for name, channels in (("image", 3), ("mask", 1), ("output", 3))
    ]
    node = onnx.helper.make_node("Identity", ["image"], ["output"])
    graph = onnx.helper.make_graph([node], "nothing", values[:2], values[2:])
    opset = onnx.helper.make_opsetid("", 18)
    proto = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)
    digest = content_digest(proto.SerializeToString())
    set_info(proto, model_info(name="nothing", task="inpaint", kinds=("scratch",), digest=digest))
    onnx.save(proto, path)
    return path


def test_a_restorer_is_measured_beside_finding_and_filling(root: Path, tmp_path: Path) -> None:
    model, result = identity(tmp_path / "nothing.onnx"), tmp_path / "film.json"
    arguments = ["eval", str(model), "--data", str(root), "--film", "-o", str(result)]
    arguments += ["--limit", "1", "--threads", "1", "--write"]
    measured = CliRunner().invoke(main, arguments)
    assert measured.exit_code == 0, measured.output
    assert "undamaged hard, drawn: changed" in measured.output
    document = json.loads(result.read_text())
    assert document["kind"] == "film-restoration"
    methods = document["methods"]
    pairs = [f"{how}, {name}" for how in ("found", "told") for name in ("nothing", "photo")]
    assert list(methods) == ["damaged", *pairs]
    mine, before = methods["found, nothing"], methods["damaged"]
    assert methods["told, nothing"]["psnr"] == before["psnr"]
    assert mine["pooled_in_damage"] == before["pooled_in_damage"]
    assert mine["psnr"] == before["psnr"]
    assert mine["made_worse"] == 0
    assert mine["undamaged"]["hard, drawn"]["pictures"] == 20
    assert all(group["marked"] == 0.0 for group in mine["undamaged"].values())
    told, parts = methods["told, photo"]["pooled_in_damage"], mine["pooled_in_damage"]
    assert told["all"] > parts["all"] + 3.0
    assert set(document["better"]) == set(parts)
    assert set(parts) <= {
        "all",
        *KINDS,
        "pieces: dust",
        "pieces: hair",
        "pieces: scratch",
        "pieces: stain",
    }
    (row,) = read_model_file(model).info.quality
    assert (row.data, row.masks, row.psnr) == ("held-out film damage", "none", mine["psnr"])
    assert row.psnr_hole == mine["psnr_in_damage"]


def test_film_is_for_what_finds_damage(tmp_path: Path) -> None:
    path = str(open_model("photo").path)
    arguments = ["eval", path, "--data", str(tmp_path), "--film", "-o", str(tmp_path / "f.json")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code != 0
    assert "photo neither finds nor undoes damage: leave out --film" in result.output
    path = str(open_model("damage").path)
    result = CliRunner().invoke(main, ["eval", path, *arguments[2:], "--detector", path])
    assert result.exit_code != 0
    assert "damage is a detector: leave out --detector" in result.output
