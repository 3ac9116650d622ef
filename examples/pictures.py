"""Draws the documentation's comparisons."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from demo import IMAGES, restore_example, side_by_side
from distortions import poorly_shot
from scratches import scratched

from inpaint_sdk import Restorer

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "docs" / "images"
CODEBOOK = ROOT / "export" / "warm_starts" / "photo-codebook.onnx"
WIDTH = 1600


def save(name: str, row: np.ndarray) -> None:
    size = (WIDTH, round(row.shape[0] * WIDTH / row.shape[1]))
    picture = cv2.resize(row, size, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(OUTPUT / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])


def without_clouds(model: str, cloudy: np.ndarray) -> list[np.ndarray]:
    """The picture, where the model sees clouds, and what it makes of it."""
    plan = Restorer.load(model).plan(cloudy)
    seen = (plan.attention() * 255.0).round().astype(np.uint8)
    return [cloudy, cv2.applyColorMap(seen, cv2.COLORMAP_INFERNO), plan.run().image]


def found(photo: Restorer, picture: np.ndarray) -> np.ndarray:
    """The picture, what is found in it, and what becomes of it."""
    result = photo.run(picture)
    mask = cv2.cvtColor(result.detection.mask, cv2.COLOR_GRAY2BGR)
    return np.hstack([picture, mask, result.image])


def through_dirt(models: Iterable[Restorer], name: str) -> np.ndarray:
    """An example under dirt that lets a third of it through, as models restore it, and as it is."""
    truth = cv2.imread(str(IMAGES / f"{name}.png"))
    mask = cv2.imread(str(IMAGES / f"{name}_mask.png"), cv2.IMREAD_GRAYSCALE)
    opacity = 0.67 * cv2.GaussianBlur(mask, (0, 0), 1.0)[..., None] / 255.0
    dirty = (truth * (1.0 - opacity) + (205, 220, 230) * opacity).round().astype(np.uint8)
    around = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    return np.hstack([dirty, *(model.restore(dirty, around) for model in models), truth])


def with_hole(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture with a large white hole, and the hole's mask."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : 3 * height // 4, width // 3 : 2 * width // 3] = 255
    return np.where(mask[..., None] > 0, np.uint8(255), picture), mask


def in_stages(staged: Restorer, picture: np.ndarray) -> np.ndarray:
    """The picture with a large hole, and after each stage of filling it."""
    damaged, mask = with_hole(picture)
    return np.hstack([damaged, *staged.plan(picture, mask).stages()])


def by_models(picture: np.ndarray, models: Iterable[Restorer]) -> np.ndarray:
    """The picture with a large hole, as each model fills it, and as it is."""
    damaged, mask = with_hole(picture)
    return np.hstack([damaged, *(model.restore(picture, mask) for model in models), picture])


def main() -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    photo = Restorer.load("photo")
    for name in ("coffee", "astronaut", "chelsea"):
        save(name, side_by_side(restore_example(photo, name)))
    coffee = cv2.imread(str(IMAGES / "coffee.png"))
    save("film", through_dirt((photo, Restorer.load("film")), "coffee"))
    save("stages", in_stages(Restorer.load("photo-staged"), coffee))
    save("codebook", by_models(coffee, (photo, Restorer.load(CODEBOOK))))
    poor = poorly_shot(chelsea := cv2.imread(str(IMAGES / "chelsea.png")))
    save("clean", np.hstack([poor, Restorer.load("clean").restore(poor), chelsea]))
    save("found", found(photo, scratched(coffee)))
    # A failure: whiskers are scratches to a detector, and where it is light, scratches are not.
    save("found-wrongly", found(photo, scratched(chelsea)))
    landsat = cv2.imread(str(IMAGES / "landsat.png"))
    save("clouds-thick", np.hstack(without_clouds("cloud-thick", landsat)))
    opacity = 0.5  # of an even layer, put over the picture as RICE1's are
    hazy = (landsat * (1.0 - opacity) + opacity**2 * 253.0).round().astype(np.uint8)
    save("clouds-thin", np.hstack([*without_clouds("cloud-thin", hazy), landsat]))


if __name__ == "__main__":
    main()
