"""A folder of pictures, each with a mask of its own: the next is read while one is restored."""

from pathlib import Path

from inpaint_sdk import Restorer

IMAGES = Path(__file__).parent / "images"
OUTPUT = Path("demo") / "folder"


def main() -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    masks = sorted(IMAGES.glob("*_mask.png"))
    pictures = [IMAGES / mask.name.replace("_mask", "") for mask in masks]
    restored = Restorer.load("photo").restore_many(zip(pictures, masks, strict=True))
    for picture, result in zip(pictures, restored, strict=True):
        result.save(OUTPUT / picture.name)
        print(f"wrote {OUTPUT / picture.name}")


if __name__ == "__main__":
    main()
