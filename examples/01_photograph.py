"""A photograph and its mask, from file to file: bits, colours and metadata are kept."""

from pathlib import Path

from inpaint_sdk import Restorer

IMAGES = Path(__file__).parent / "images"
OUTPUT = Path("demo")


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    restorer = Restorer.load("photo")
    restorer.restore_file(
        IMAGES / "chelsea.png", OUTPUT / "chelsea.png", IMAGES / "chelsea_mask.png"
    )
    print(f"wrote {OUTPUT / 'chelsea.png'}")


if __name__ == "__main__":
    main()
