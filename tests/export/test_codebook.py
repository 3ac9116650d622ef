"""The codebook transformer: its codebook, its three networks and their trainings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

from inpaint_eval.sessions import open_session
from inpaint_export.models.cnn import PHOTO, CnnConfig, CnnInpainter
from inpaint_export.models.codebook import (
    AutoencoderConfig,
    CodebookAutoencoder,
    CodebookInpainter,
    Lookup,
    SharpenedInpainter,
    SharpenerConfig,
    TransformerConfig,
    join_cells,
    split_cells,
    surest,
)
from inpaint_export.models.quantiser import VectorQuantiser
from inpaint_export.models.vit import TransformerBlock
from inpaint_export.onnx_export import export_model
from inpaint_export.precision.storage import STORED, restore_to_full, round_weights
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.training import loop
from inpaint_export.training.checkpoint import load_checkpoint
from inpaint_export.training.codebook import CodebookReconstruction, CodePrediction, Sharpening
from inpaint_export.training.loop import Trainer
from inpaint_export.training.start import FromModel, FromRun
from inpaint_sdk import BackendError, Restorer
from inpaint_sdk.backends.tensorrt.library import open_library
from inpaint_sdk.cli.main import main as sdk_main
from inpaint_sdk.models.file import read_model_file

TINY_AUTOENCODER = AutoencoderConfig(
    cnn=CnnConfig((8, 8, 8), (0, 1), (1, 2), (1, 0)), codes=16, channels=6, width=8
)
TINY_SHARPENER = SharpenerConfig(width=8, dilations=(1,))
LOOKUPS: tuple[Lookup, ...] = ("argmax", "soft", "continuous")


def tiny_transformer(lookup: Lookup = "soft", rounds: int = 1) -> TransformerConfig:
    return TransformerConfig(width=16, depth=2, heads=2, expansion=2, lookup=lookup, rounds=rounds)


def tiny(lookup: Lookup = "soft", rounds: int = 1) -> SharpenedInpainter:
    """A model of random weights that changes what it is given."""
    torch.manual_seed(0)
    transformer = tiny_transformer(lookup, rounds)
    model = SharpenedInpainter(TINY_AUTOENCODER, transformer, TINY_SHARPENER)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.inpainter.autoencoder.quantiser.codebook.normal_()
    return model.eval()


def hole(size: int = 64) -> Tensor:
    mask = torch.zeros(1, 1, size, size)
    mask[..., 10:-10, 10:-10] = 1.0
    return mask


class TestQuantiser:
    def test_the_nearest_entry_of_an_entry_is_itself(self) -> None:
        quantiser = VectorQuantiser(32, 4)
        quantiser.codebook.normal_()
        indices = torch.randint(32, (2, 3, 5))
        assert torch.equal(quantiser.nearest(quantiser.entries(indices)), indices)

    def test_a_sure_prediction_is_an_entry_and_an_unsure_one_their_mean(self) -> None:
        quantiser = VectorQuantiser(8, 4)
        quantiser.codebook.normal_()
        sure = torch.full((3, 8), -1e4)
        sure[torch.arange(3), torch.tensor([5, 0, 7])] = 0.0
        torch.testing.assert_close(quantiser.expected(sure), quantiser.codebook[[5, 0, 7]])
        unsure = quantiser.expected(torch.zeros(1, 8))
        torch.testing.assert_close(unsure[0], quantiser.codebook.mean(dim=0))

    def test_entries_move_to_where_vectors_are(self) -> None:
        """Four clusters, and entries that all start at one place."""
        torch.manual_seed(0)
        quantiser = VectorQuantiser(16, 2, decay=0.8)
        centres = torch.tensor([[0.0, 0.0], [0.0, 9.0], [9.0, 0.0], [9.0, 9.0]])
        for _ in range(60):
            vectors = (centres[:, None] + 0.1 * torch.randn(4, 25, 2)).flatten(0, 1)
            quantiser.update(vectors, quantiser.nearest(vectors))
        found = quantiser.entries(quantiser.nearest(centres))
        torch.testing.assert_close(found, centres, atol=0.3, rtol=0.0)
        assert len(quantiser.nearest(centres).unique()) == 4

    def test_an_unused_entry_starts_again_at_a_vector(self) -> None:
        quantiser = VectorQuantiser(2, 1, decay=0.5)
        quantiser.codebook.copy_(torch.tensor([[0.0], [1e6]]))
        quantiser.counts.copy_(torch.tensor([10.0, 0.0]))
        quantiser.sums.copy_(torch.tensor([[0.0], [0.0]]))
        vectors = torch.tensor([[1.0], [2.0], [3.0]])
        quantiser.update(vectors, quantiser.nearest(vectors))
        assert float(quantiser.codebook[1]) in (1.0, 2.0, 3.0)


def test_cells_are_split_and_joined() -> None:
    cells = torch.arange(2 * 4 * 6).reshape(2, 4, 6)
    split = split_cells(cells)  # [2, 2, 3, 4]
    assert split[0, 0, 0].tolist() == [0, 1, 6, 7]
    assert torch.equal(join_cells(split[..., None])[..., 0], cells)


def test_a_block_sees_everything_and_starts_local() -> None:
    block = TransformerBlock(8, 2, 2).eval()
    x = torch.randn(1, 8, 5, 7)
    other = x.clone()
    other[..., 4, 6] += 5.0
    with torch.inference_mode():
        assert torch.equal(block(x)[..., :3, :5], block(other)[..., :3, :5])
        block.attended.weight.normal_()
        assert (block(x)[..., 0, 0] - block(other)[..., 0, 0]).abs().max() > 1e-4


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="width is 10; it must be a multiple of heads, 4"):
        TransformerBlock(10, 4, 2)


def test_it_starts_as_photo(tmp_path: Path) -> None:
    """An untrained autoencoder adds nothing to the CNN whose weights it takes."""
    recipe = load_recipe("photo-codebook-next-autoencoder")
    model, photo = recipe.build().eval(), CnnInpainter(PHOTO).eval()
    assert recipe.start is not None
    recipe.start.apply(model, tmp_path)
    FromModel("photo").apply(photo, tmp_path)
    image, mask = torch.rand(1, 3, 64, 64), hole()
    with torch.inference_mode():
        torch.testing.assert_close(model(image, mask), photo(image, mask))


@pytest.mark.parametrize(("lookup", "rounds"), [*((lookup, 1) for lookup in LOOKUPS), ("soft", 3)])
def test_what_is_known_stays_and_what_is_hidden_is_ignored(lookup: Lookup, rounds: int) -> None:
    model, mask = tiny(lookup, rounds), hole()
    image = torch.rand(1, 3, 64, 64)
    other = image * (1 - mask) + torch.rand_like(image) * mask
    with torch.inference_mode():
        output = model(image, mask)
        torch.testing.assert_close(output, model(other, mask))
    known = (mask == 0).expand_as(image)
    assert torch.equal(output[known], image[known])


def test_the_whole_picture_is_seen() -> None:
    """A corner that no convolution reaches changes the output."""
    model = tiny().inpainter
    image, mask = torch.rand(1, 3, 512, 512), torch.zeros(1, 1, 512, 512)
    mask[..., 480:, 480:] = 1.0
    other = image.clone()
    other[..., :16, :16] = 1.0 - other[..., :16, :16]
    model.autoencoder.cnn.middle = nn.Identity()  # its pooled branch would see it too
    with torch.inference_mode():
        outputs = [model.repair(picture, mask)[1][0, -1, -1] for picture in (image, other)]
    assert (outputs[0] - outputs[1]).abs().max() > 1e-5


class TestRounds:
    def test_the_surest_are_surer_than_the_mean_and_in_the_hole(self) -> None:
        torch.manual_seed(0)
        output, among = torch.randn(2, 3, 4, 4, 8), torch.ones(2, 3, 4, 4)
        among[:, 0] = 0.0
        sure = surest(output, among)
        probability = output.softmax(dim=-1).amax(dim=-1)
        assert not sure[:, 0].any()
        for each, chances in zip(sure, probability, strict=True):
            left = (among[0] - each) > 0.0
            assert chances[each > 0.0].min() > chances[left].max()
        assert 0.2 < float(sure.sum() / among.sum()) < 0.8

    def test_a_round_is_told_codes(self) -> None:
        model = tiny(rounds=2).inpainter
        codes = torch.randint(16, (1, 2, 3, 4))
        known = torch.zeros(1, 2, 3, 4)
        known[0, 1, 2, 3] = 1.0
        told = model.tell(codes, known).unflatten(1, (4, -1))  # [1, CELLS, C + 1, 2, 3]
        entry = model.autoencoder.quantiser.codebook[codes[0, 1, 2, 3]]
        torch.testing.assert_close(told[0, 3, :, 1, 2], torch.cat([entry, torch.ones(1)]))
        told[0, 3, :, 1, 2] = 0.0
        assert not told.any()

    def test_later_rounds_start_as_the_first_and_can_differ(self) -> None:
        model, mask = tiny(rounds=3).inpainter, hole()
        image = torch.rand(1, 3, 64, 64)
        with torch.inference_mode():
            found = model.predict(image, mask)
            nn.init.zeros_(model.told.weight)  # as a new network's
            once = model.predict(image, mask)
            torch.testing.assert_close(once, model._predict(model._see(image, mask)[2]))
        assert (found - once).abs().max() > 1e-3

    def test_one_round_has_no_weights_for_more(self) -> None:
        names = set(tiny().state_dict())
        assert set(tiny(rounds=2).state_dict()) - names == {"inpainter.told.weight"}

    def test_a_continuous_lookup_has_no_rounds(self) -> None:
        with pytest.raises(ValueError, match="rounds is 2"):
            tiny_transformer("continuous", 2)

    def test_each_is_learned(self) -> None:
        torch.manual_seed(0)
        model = CodebookInpainter(TINY_AUTOENCODER, tiny_transformer(rounds=2))
        model.autoencoder.quantiser.codebook.normal_()
        objective = CodePrediction(model, code=0.1)
        objective.train()
        seen = learn(objective, 60)
        assert seen[-1] < 0.8 * seen[0]
        assert model.told.weight.abs().sum() > 0.0
        assert 0.0 <= objective.report()["right"] <= 1.0

    def test_figures_of_validation_follow_from_the_codes(self) -> None:
        model, mask = tiny(rounds=2).inpainter, hole()
        image = torch.rand(1, 3, 64, 64)
        with torch.inference_mode():
            found = model.hole_figures([(image, mask)], torch.device("cpu"))
            predicted = join_cells(model.predict(image, mask).argmax(dim=-1)[..., None])[..., 0]
            true = join_cells(model.true_codes(image, mask)[..., None])[..., 0]
        inside = predicted[0, 1:-1, 1:-1]  # of 8x8 cells, those that touch the hole
        right = (inside == true[0, 1:-1, 1:-1]).float().mean()
        assert found["codes_right"] == pytest.approx(float(right), abs=1e-4)
        counts = torch.bincount(inside.flatten(), minlength=16) / inside.numel()
        used = (counts >= 0.1 / 16).float().mean()
        assert found["entries_used"] == pytest.approx(float(used), abs=1e-4)
        continuous = tiny("continuous").inpainter
        assert continuous.hole_figures([(image, mask)], torch.device("cpu")) == {}


@pytest.fixture(
    scope="module",
    params=[
        "soft",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("argmax", "continuous", "rounds")),
    ],
)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model file of each lookup, named after it, and one of two rounds.

    ``soft`` is ``photo-codebook``'s.

    An export takes 12 seconds of CPU, so the others are slow.
    """
    path = tmp_path_factory.mktemp("exported") / f"{request.param}.onnx"
    model = tiny(rounds=2) if request.param == "rounds" else tiny(request.param)
    export_model(model, load_recipe("photo-codebook"), path)
    return path


def test_it_is_exported_with_standard_operators(exported: Path) -> None:
    proto = onnx.load(exported)
    assert [(o.domain, o.version) for o in proto.opset_import] == [("", 18)]
    operators = Counter(node.op_type for node in proto.graph.node)
    assert not operators.keys() & {"Loop", "If", "Scan", "NonZero"}
    assert not any("code_encoder" in t.name for t in proto.graph.initializer)
    looked_up = [n.input[0] for n in proto.graph.node if n.op_type == "Gather"]
    by_index = any(name.endswith("codebook") for name in looked_up)
    assert by_index == ("ArgMax" in operators) == (exported.stem in ("argmax", "rounds"))
    restored = Restorer.load(exported).restore(
        np.full((37, 53, 3), 128, np.uint8), np.eye(37, 53, dtype=bool)
    )
    assert restored.shape == (37, 53, 3)


def test_weights_are_stored_in_half_and_computed_in_full(exported: Path) -> None:
    proto = onnx.load(exported)
    stored = {t.name: t for t in proto.graph.initializer if t.name.endswith(STORED)}
    sizes = Counter[int]()
    for tensor in proto.graph.initializer:
        sizes[tensor.data_type] += int(np.prod(tensor.dims))
    assert len(stored) > 30
    fill = 4 * 31 * 31  # PullPushFill's kernel, whose tails fp16 does not have
    assert sizes[onnx.TensorProto.FLOAT] < fill + 200 < sizes[onnx.TensorProto.FLOAT16]
    whole = onnx.load(exported)
    restore_to_full(whole)
    feed = {"image": np.random.default_rng(0).random((1, 3, 32, 48), np.float32)}
    feed["mask"] = np.eye(32, 48, dtype=np.float32)[None, None]
    outputs = [open_session(m.SerializeToString()).run(["output"], feed)[0] for m in (proto, whole)]
    np.testing.assert_allclose(*outputs, atol=1e-6)
    assert not any(t.data_type == onnx.TensorProto.FLOAT16 for t in whole.graph.initializer)
    assert read_model_file(exported).info.precision == "fp32"


def test_a_weight_that_fp16_does_not_have_is_an_error() -> None:
    layer = nn.Linear(2, 2)
    nn.init.constant_(layer.weight, 1e6)
    with pytest.raises(ValueError, match="weight holds a number that is too large for fp16"):
        round_weights(layer)


def test_the_shipped_size_is_within_its_bounds() -> None:
    """16 MB in fp16 would hold 8 million."""
    model = load_recipe("photo-codebook").build()
    assert sum(p.numel() for p in model.parameters()) <= 8_000_000


def test_it_compiles_in_tensorrt_rtx(exported: Path, tmp_path: Path) -> None:
    try:
        open_library("tensorrt_rtx")
    except BackendError as error:
        pytest.skip(str(error))
    command = ["compile", exported, "--backend", "tensorrt_rtx", "--target", "sm_86"]
    command += ["-o", tmp_path / "tiny.engine"]
    result = CliRunner().invoke(sdk_main, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "tiny.engine").stat().st_size > 1000


def short(name: str, build: Callable[[], nn.Module], recipe: Recipe) -> Recipe:
    return replace(
        load_recipe(name),
        build=build,
        data=recipe.data,
        validation=recipe.validation,
        optim=recipe.optim,
        steps=3,
        batch=2,
    )


@pytest.mark.parametrize("name", ["photo-codebook", "photo-codebook-next"])
def test_each_training_starts_from_the_one_before(
    name: str, tiny_recipe: Recipe, data_root: Path, tmp_path: Path
) -> None:
    rounds = 2 if name.endswith("next") else 1
    autoencoder = partial(CodebookAutoencoder, TINY_AUTOENCODER)
    first = replace(short(f"{name}-autoencoder", autoencoder, tiny_recipe), start=None)
    Trainer(first, data_root, tmp_path / first.name, workers=0).run()
    state = load_checkpoint(tmp_path / first.name / "last.pt")["ema"]

    transformer = tiny_transformer(rounds=rounds)
    inpainter = partial(CodebookInpainter, TINY_AUTOENCODER, transformer)
    second = short(f"{name}-transformer", inpainter, tiny_recipe)
    trainer = Trainer(second, data_root, tmp_path / second.name, workers=0)
    for tensor, value in trainer.objective.model.autoencoder.state_dict().items():
        assert torch.equal(value, state[tensor]), tensor
    assert np.isfinite(trainer.run())
    log = (tmp_path / second.name / "log.jsonl").read_text().splitlines()
    assert {"val_gradient", "val_codes_right", "val_entries_used"} <= json.loads(log[-1]).keys()

    whole = partial(SharpenedInpainter, TINY_AUTOENCODER, transformer, TINY_SHARPENER)
    third = short(name, whole, tiny_recipe)
    trainer = Trainer(third, data_root, tmp_path / third.name, workers=0)
    assert np.isfinite(trainer.run())


def test_a_resumed_run_draws_as_an_unbroken_one(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which codes are hidden and which entries begin again is drawn from PyTorch's generator."""
    build = partial(CodebookAutoencoder, TINY_AUTOENCODER)
    recipe = replace(short("photo-codebook-autoencoder", build, tiny_recipe), start=None, steps=4)
    whole = Trainer(recipe, data_root, tmp_path / "whole", workers=0)
    whole.run()

    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    broken = Trainer(recipe, data_root, tmp_path / "broken", workers=0)
    save = broken._save

    def save_and_die() -> None:
        save()
        raise KeyboardInterrupt

    monkeypatch.setattr(broken, "_save", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        broken.run()
    torch.manual_seed(99)  # another process
    resumed = Trainer(recipe, data_root, tmp_path / "broken", workers=0)
    assert resumed.step == 2
    resumed.run()
    found, expected = (load_checkpoint(t.checkpoint)["objective"] for t in (resumed, whole))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_a_start_that_is_not_there_or_does_not_fit_is_an_error(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path
) -> None:
    model = partial(CodebookInpainter, TINY_AUTOENCODER, tiny_transformer())
    recipe = short("photo-codebook-transformer", model, tiny_recipe)
    with pytest.raises(FileNotFoundError, match="photo-codebook-autoencoder"):
        Trainer(recipe, data_root, tmp_path / "run")
    Trainer(tiny_recipe, data_root, tmp_path / "photo", steps=1, workers=0).run()
    with pytest.raises(ValueError, match="is of another network"):
        FromRun("photo", "autoencoder.hint").apply(model(), tmp_path)


def batch(size: int = 64) -> dict[str, Tensor]:
    torch.manual_seed(1)
    stripes = (torch.arange(size) % 8 < 4).float().expand(2, 3, size, size)
    image = stripes * torch.rand(2, 3, 1, 1)
    return {"image": image, "mask": hole(size).expand(2, -1, -1, -1)}


def learn(objective: nn.Module, steps: int) -> list[float]:
    parameters = [p for p in objective.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, 1e-2)
    seen = []
    for _ in range(steps):
        ((trained, loss),) = objective.losses(batch())
        assert trained == "model"
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def unchanged(before: dict[str, Tensor], module: nn.Module) -> bool:
    after = module.state_dict()
    return all(torch.equal(before[name], value) for name, value in after.items())


def copy_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_the_autoencoder_learns_and_its_encoder_stays() -> None:
    torch.manual_seed(0)
    model = CodebookAutoencoder(TINY_AUTOENCODER)
    objective = CodebookReconstruction(model, hidden=0.0)
    encoder, decoder = nn.ModuleList(model.cnn.encoder_layers()), model.cnn.decode8
    before, before_decoder = copy_of(encoder), copy_of(decoder)
    seen = learn(objective, 80)
    assert seen[-1] < 0.7 * seen[0]
    assert unchanged(before, encoder)
    assert not unchanged(before_decoder, decoder)
    report = objective.report()
    assert 0.0 < report["used"] <= 1.0
    assert 0.0 < report["perplexity"] <= 1.0
    assert objective.report()["used"] == 0.0  # counted anew after each report


def test_hidden_codes_are_not_shown() -> None:
    torch.manual_seed(0)
    model = CodebookAutoencoder(TINY_AUTOENCODER)
    nn.init.normal_(model.hint[-1].weight)
    losses = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        nn.init.normal_(model.code_encoder.stem.weight)
        objective = CodebookReconstruction(model, hidden=1.0, commitment=0.0)
        losses += [loss.item() for _, loss in objective.losses(batch())]
    assert losses[0] == pytest.approx(losses[1])


@pytest.mark.parametrize("lookup", ["soft", "continuous"])
def test_the_transformer_learns_and_the_codebook_stays(lookup: Lookup) -> None:
    torch.manual_seed(0)
    model = CodebookInpainter(TINY_AUTOENCODER, tiny_transformer(lookup))
    model.autoencoder.quantiser.codebook.normal_()
    objective = CodePrediction(model, code=0.1)
    frozen = nn.ModuleList(
        [
            *model.autoencoder.cnn.encoder_layers(),
            model.autoencoder.code_encoder,
            model.autoencoder.quantiser,
        ]
    )
    before = copy_of(frozen)
    objective.train()  # normalisation within what is frozen must not follow
    seen = learn(objective, 60)
    assert seen[-1] < 0.8 * seen[0]
    assert unchanged(before, frozen)
    assert ("cross_entropy" in objective.report()) == (lookup == "soft")


def test_the_sharpening_module_learns_and_the_rest_stays() -> None:
    torch.manual_seed(0)
    model = SharpenedInpainter(TINY_AUTOENCODER, tiny_transformer(), TINY_SHARPENER)
    model.inpainter.autoencoder.quantiser.codebook.normal_()
    objective = Sharpening(model)
    before = copy_of(model.inpainter)
    seen = learn(objective, 60)
    assert seen[-1] < 0.8 * seen[0]
    assert unchanged(before, model.inpainter)
    report = objective.report()
    assert report["rmse"] < report["decoded_rmse"]
