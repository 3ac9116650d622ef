from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import (
    BackendError,
    ImageError,
    MaskError,
    ModelError,
    OptionError,
    Options,
    Restorer,
)
from inpaint_sdk.options import Strategy

Pixels = NDArray[np.uint8]


def assert_only_the_mask_changed(result: Pixels, image: Pixels, mask: Pixels) -> None:
    assert result.shape == image.shape
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(result[mask == 0], image[mask == 0])
    assert (result[mask > 0] != image[mask > 0]).any()


def test_known_pixels_come_back_bit_for_bit(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    before = image.copy(), mask.copy()
    assert_only_the_mask_changed(photo.restore(image, mask), image, mask)
    np.testing.assert_array_equal(image, before[0], "the caller's image was written to")
    np.testing.assert_array_equal(mask, before[1], "the caller's mask was written to")


def test_what_is_under_the_mask_does_not_matter(
    photo: Restorer, image: Pixels, mask: Pixels
) -> None:
    white = image.copy()
    white[mask > 0] = 255
    np.testing.assert_array_equal(photo.restore(white, mask), photo.restore(image, mask))


def test_the_mask_is_filled_with_what_is_around_it(photo: Restorer, mask: Pixels) -> None:
    plain = np.full((*mask.shape, 3), (200, 90, 30), np.uint8)
    damaged = plain.copy()
    damaged[mask > 0] = 0
    difference = np.abs(photo.restore(damaged, mask).astype(int) - plain)
    assert difference.max() <= 12


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 2), (2, 1), (1, 40), (40, 1), (3, 3), (15, 16), (17, 31), (64, 64), (201, 333), (700, 90)],
)
def test_any_size(photo: Restorer, rng: np.random.Generator, height: int, width: int) -> None:
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    mask = np.zeros((height, width), np.uint8)
    mask[height // 2, width // 2] = 1
    result = photo.restore(image, mask)
    assert result.shape == image.shape
    np.testing.assert_array_equal(result[mask == 0], image[mask == 0])


def test_a_one_pixel_image_with_an_empty_mask(photo: Restorer) -> None:
    image = np.full((1, 1, 3), 7, np.uint8)
    np.testing.assert_array_equal(photo.restore(image, np.zeros((1, 1), bool)), image)


def test_an_empty_mask_returns_a_copy(photo: Restorer, image: Pixels) -> None:
    result = photo.restore(image, np.zeros(image.shape[:2], np.uint8))
    np.testing.assert_array_equal(result, image)
    assert not np.shares_memory(result, image)


def test_an_empty_mask_returns_a_copy_of_a_grey_image(photo: Restorer, image: Pixels) -> None:
    grey = image[..., 0].copy()
    result = photo.restore(grey, np.zeros(grey.shape, np.uint8))
    np.testing.assert_array_equal(result, grey)
    assert not np.shares_memory(result, grey)


def test_a_mask_of_everything_is_an_error(photo: Restorer, image: Pixels) -> None:
    with pytest.raises(MaskError, match="covers the whole image"):
        photo.restore(image, np.ones(image.shape[:2], bool))


@pytest.mark.parametrize("form", ["bool", "ones", "channel", "pil", "path"])
def test_mask_forms_agree(
    photo: Restorer, image: Pixels, mask: Pixels, form: str, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    forms = {
        "bool": mask > 0,
        "ones": (mask > 0).astype(np.uint8),
        "channel": mask[..., None],
        "pil": Image.fromarray(mask),
        "path": tmp_path / "mask.png",
    }
    expected = photo.restore(image, mask)
    np.testing.assert_array_equal(photo.restore(image, forms[form]), expected)


def test_channel_orders_mirror_each_other(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    rgb = Restorer.load("photo", threads=2, channels="rgb")
    expected = photo.restore(image, mask)[..., ::-1]
    result = rgb.restore(np.ascontiguousarray(image[..., ::-1]), mask)
    np.testing.assert_array_equal(result, expected)


def test_views_that_are_not_contiguous(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    expected = photo.restore(image[:, ::-1].copy(), mask[:, ::-1].copy())
    np.testing.assert_array_equal(photo.restore(image[:, ::-1], mask[:, ::-1]), expected)


def test_read_only_input(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    image.flags.writeable = mask.flags.writeable = False
    result = photo.restore(image, mask)
    assert result.flags.writeable


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4], ids=["HW", "HW1", "HW2", "HW3", "HW4"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_array_forms(mask: Pixels, channels: int, dtype: type) -> None:
    """Every form comes back as it came, alpha untouched, and close to what 8 bits give."""
    photo = Restorer.load("photo", threads=2, precision="fp32")  # int8 sees other steps in 8 bits
    smooth = cv2.resize(np.random.default_rng(5).random((6, 8, 4)), (130, 90))
    picture = smooth[..., :channels] if channels else smooth[..., 0]
    eight = np.rint(picture * 255).astype(np.uint8)
    deep = picture.astype(dtype)
    if np.issubdtype(dtype, np.integer):
        deep = np.rint(picture * np.iinfo(dtype).max).astype(dtype)
    result = photo.restore(deep, mask)
    assert_only_the_mask_changed(result, deep, mask)
    if channels in (2, 4):
        np.testing.assert_array_equal(result[..., -1], deep[..., -1])
    scale = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1.0
    expected = photo.restore(eight, mask)
    assert np.abs(result / scale - expected / 255).max() < 0.02
    if np.issubdtype(dtype, np.uint16):
        assert (result[mask > 0] % 257 != 0).any(), "restored pixels have only 8 bits"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "I;16"])
def test_pil_images_keep_mode_and_alpha(
    photo: Restorer, image: Pixels, mask: Pixels, mode: str, rng: np.random.Generator
) -> None:
    picture = Image.fromarray(image).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    if "A" in mode:
        alpha = rng.integers(0, 256, mask.shape).astype(np.uint8)
        picture.putalpha(Image.fromarray(alpha))
    result = photo.restore(picture, mask)
    assert isinstance(result, Image.Image)
    assert (result.mode, result.size) == (mode, picture.size)
    if "A" in mode:
        np.testing.assert_array_equal(np.asarray(result)[..., -1], alpha)
    assert_only_the_mask_changed(np.asarray(result), np.asarray(picture), mask)


def test_pil_and_array_agree(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    result = photo.restore(Image.fromarray(image[..., ::-1].copy()), mask)
    expected = photo.restore(image, mask)[..., ::-1]
    np.testing.assert_array_equal(np.asarray(result), expected)


def test_exif_orientation_is_applied(
    photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    turned = Image.fromarray(np.rot90(image).copy())  # stored on its side ...
    exif = Image.Exif()
    exif[0x0112] = 6  # ... to be shown turned by 90 degrees clockwise
    path = tmp_path / "turned.png"
    turned.save(path, exif=exif)
    result = photo.restore(path, mask)
    assert isinstance(result, Image.Image)
    assert result.getexif().get(0x0112, 1) == 1
    assert_only_the_mask_changed(np.asarray(result), image, mask)


def test_a_path_gives_a_pil_image(
    photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(image).save(path)
    for form in (path, str(path)):
        result = photo.restore(form, mask)
        assert isinstance(result, Image.Image)
        assert_only_the_mask_changed(np.asarray(result), image, mask)


def test_a_small_mask_in_a_large_picture_costs_little(photo: Restorer) -> None:
    """The network sees the mask and its context, so far pixels have no influence."""
    rng = np.random.default_rng(3)
    near = rng.integers(0, 256, (2000, 2000, 3)).astype(np.uint8)
    mask = np.zeros(near.shape[:2], np.uint8)
    mask[900:910, 900:910] = 255
    far = near.copy()
    far[:400] = 0
    box = np.s_[900:910, 900:910]
    np.testing.assert_array_equal(photo.restore(near, mask)[box], photo.restore(far, mask)[box])


def test_full_is_refused_where_memory_does_not_allow_it(photo: Restorer) -> None:
    large, mask = np.zeros((500, 500, 3), np.uint8), np.eye(500, dtype=bool)
    with pytest.raises(ImageError, match="500x500 pixels at once take more than memory_mb=16"):
        photo.restore(large, mask, options=Options(strategy="full", memory_mb=16))


@pytest.mark.parametrize("strategy", ["auto", "crop", "resize", "full"])
def test_every_strategy_changes_only_the_mask(
    photo: Restorer, rng: np.random.Generator, strategy: Strategy
) -> None:
    coarse = rng.integers(60, 190, (3, 4, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (1300, 800), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    mask = np.zeros((800, 1300), np.uint8)
    cv2.circle(mask, (300, 300), 130, 255, -1)  # too wide for one step
    cv2.line(mask, (20, 780), (1280, 40), 255, 7)  # whose bounding box is the whole picture
    mask[700:720, 100:130] = 255
    damaged = image.copy()
    damaged[mask > 0] = 0
    result = photo.restore(damaged, mask, options=Options(strategy=strategy))
    assert_only_the_mask_changed(result, damaged, mask)
    error = np.abs(result.astype(int) - image)[mask > 0].mean()
    assert error < 12, "the mask was not filled from what is around it"


def test_many_come_in_order(photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(image).save(path)
    rolled = [np.roll(image, shift, axis=0) for shift in range(4)]
    results = list(photo.restore_many([(path, mask), *((i, mask) for i in rolled)]))
    assert isinstance(results[0], Image.Image)
    for result, source in zip(results[1:], rolled, strict=True):
        np.testing.assert_array_equal(result, photo.restore(source, mask))


def test_a_bad_item_ends_the_iteration_at_its_turn(
    photo: Restorer, image: Pixels, mask: Pixels
) -> None:
    results = photo.restore_many([(image, mask), (image, mask[:50]), (image, mask)])
    next(results)
    with pytest.raises(MaskError, match="must be of one size"):
        next(results)


def test_threads_share_a_restorer(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    images = [np.roll(image, shift, axis=1) for shift in range(0, 120, 10)]
    expected = [photo.restore(i, mask) for i in images]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda i: photo.restore(i, mask), images * 3))
    for index, result in enumerate(found):
        np.testing.assert_array_equal(result, expected[index % len(images)])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 3), np.float16), "float64, this one is float16"),
        (np.zeros((4, 4, 3), np.int32), "float64, this one is int32"),
        (np.full((4, 4, 3), np.nan), "not finite"),
        (np.full((4, 4, 3), 1.5), "from 0 to 1, these are from 1.5 to 1.5"),
        (np.full((4, 4, 3), -0.5, np.float32), "from 0 to 1"),
        (np.zeros((4, 4, 5), np.uint8), "1 to 4 channels, this one is 4x4x5"),
        (np.zeros((1, 4, 4, 3), np.uint8), "HxWxC"),
        (np.zeros(4, np.uint8), "HxWxC"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
        ([[1, 2], [3, 4]], "not list"),
        (None, "not NoneType"),
    ],
)
def test_images_that_are_refused(photo: Restorer, array: object, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        photo.restore(array, np.zeros((4, 4), np.uint8))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((4, 4), np.float32), "bool or uint8, this one is float32"),
        (np.full((4, 4), np.nan), "bool or uint8, this one is float64"),
        (np.zeros((4, 4, 3), np.uint8), "HxW or HxWx1, this one is 4x4x3"),
        (np.zeros((4, 5), np.uint8), "the mask is 5x4, the image is 4x4"),
        (3, "not int"),
    ],
)
def test_masks_that_are_refused(photo: Restorer, mask: object, message: str) -> None:
    with pytest.raises(MaskError, match=message):
        photo.restore(np.zeros((4, 4, 3), np.uint8), mask)  # type: ignore[call-overload]


def test_pil_modes_that_are_refused(photo: Restorer, mask: Pixels) -> None:
    with pytest.raises(ImageError, match="mode CMYK"):
        photo.restore(Image.new("CMYK", (130, 90)), mask)
    with pytest.raises(MaskError, match="alpha"):
        photo.restore(Image.new("RGB", (130, 90)), Image.new("RGBA", (130, 90)))


@pytest.mark.parametrize("keep", [0, 10, 60, 1000])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_truncated_files(
    photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path, keep: int, suffix: str
) -> None:
    path = tmp_path / f"cut{suffix}"
    cv2.imwrite(str(path), image)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ImageError, match="cut"):
        photo.restore(path, mask)
    with pytest.raises(MaskError, match="cut"):
        photo.restore(image, path)


def test_missing_and_foreign_files(photo: Restorer, mask: Pixels, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no file"):
        photo.restore(tmp_path / "none.png", mask)
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(ImageError, match="not a picture"):
        photo.restore(tmp_path / "text.png", mask)
    with pytest.raises(ImageError, match="cannot read"):
        photo.restore(tmp_path, mask)


def test_files_of_16_bits_or_several_pictures(
    photo: Restorer, mask: Pixels, tmp_path: Path
) -> None:
    deep = tmp_path / "deep.png"
    cv2.imwrite(str(deep), np.zeros((90, 130, 3), np.uint16))
    with pytest.raises(ImageError, match="16 bits"):
        photo.restore(deep, mask)
    frames = [Image.new("RGB", (130, 90), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "two.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="2 pictures"):
        photo.restore(tmp_path / "two.tif", mask)


def test_load_refuses_what_it_does_not_know() -> None:
    with pytest.raises(
        ModelError, match=r"no model 'phto', nor a file of that name; the models are: .*photo"
    ):
        Restorer.load("phto")
    with pytest.raises(ModelError, match="no model file"):
        Restorer.load("models/none.onnx")
    with pytest.raises(BackendError, match="no backend 'cuda'; choose auto, onnxruntime-cpu"):
        Restorer.load("photo", backend="cuda")
    with pytest.raises(OptionError, match="threads is 0"):
        Restorer.load("photo", threads=0)
    with pytest.raises(OptionError, match="channels is 'gbr'"):
        Restorer.load("photo", channels="gbr")  # type: ignore[arg-type]


def test_a_restorer_describes_itself(photo: Restorer) -> None:
    assert photo.backend == "onnxruntime-cpu"
    assert Restorer.load("photo", backend="onnxruntime-cpu").backend == "onnxruntime-cpu"
    assert photo.model.name == "photo"
    assert photo.model.task == "inpaint"
    exact = Restorer.load("photo", precision="fp32")
    assert exact.model.quality, "the bundled model carries no measured quality"
    assert repr(photo) == "Restorer('photo', backend='onnxruntime-cpu')"


def test_arrays_for_restore_many_may_be_filled_again(
    photo: Restorer, image: Pixels, mask: Pixels
) -> None:
    buffer, marked = np.empty_like(image), np.empty_like(mask)

    def items() -> Iterator[tuple[Pixels, Pixels]]:
        for shift in range(4):
            buffer[:], marked[:] = np.roll(image, shift, axis=1), np.roll(mask, shift, axis=1)
            yield buffer, marked

    found = [result.copy() for result in photo.restore_many(items())]
    for shift, result in enumerate(found):
        given = np.roll(image, shift, axis=1), np.roll(mask, shift, axis=1)
        np.testing.assert_array_equal(result, photo.restore(*given))
