"""Debian's free fonts, and which of them a reader of text is trained on, chosen and tested with.

Families that were drawn after each other are on one side: what is tested is a design that was not
seen. Noto is on none, since its letters are those of Droid and Open Sans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import ImageFont

FOLDER = Path("/usr/share/fonts")
"""Where Debian's packages have their fonts."""

FontSplit = Literal["train", "val", "test"]


@dataclass(frozen=True)
class FontFamily:
    """package: of Debian. pattern: of its files, below :data:`FOLDER`; without: of those left out.

    What is left out are ornaments, and hairlines that no line of 32 pixels shows.
    """

    package: str
    pattern: str
    without: str = ""

    def files(self) -> list[Path]:
        """The family's files, sorted.

        Raises:
            FileNotFoundError: the package is not installed.
        """
        found = sorted(FOLDER.glob(self.pattern))
        if not found:
            raise FileNotFoundError(
                f"there is no font {FOLDER / self.pattern}: apt-get install {self.package}"
            )
        return [path for path in found if not (self.without and path.match(self.without))]


FAMILIES: dict[FontSplit, Sequence[FontFamily]] = {
    "train": (
        FontFamily("fonts-dejavu-extra", "truetype/dejavu/DejaVuSans*.ttf"),
        FontFamily("fonts-dejavu-extra", "truetype/dejavu/DejaVuSerif*.ttf"),
        FontFamily("fonts-liberation2", "truetype/liberation2/LiberationSans-*.ttf"),
        FontFamily("fonts-liberation2", "truetype/liberation2/LiberationSerif-*.ttf"),
        FontFamily("fonts-liberation2", "truetype/liberation2/LiberationMono-*.ttf"),
        FontFamily("fonts-freefont-ttf", "truetype/freefont/FreeSans*.ttf"),
        FontFamily("fonts-freefont-ttf", "truetype/freefont/FreeSerif*.ttf"),
        FontFamily("fonts-freefont-ttf", "truetype/freefont/FreeMono*.ttf"),
        FontFamily("fonts-urw-base35", "opentype/urw-base35/NimbusSansNarrow-*.otf"),
        FontFamily("fonts-urw-base35", "opentype/urw-base35/NimbusRoman-*.otf"),
        FontFamily("fonts-urw-base35", "opentype/urw-base35/NimbusMonoPS-*.otf"),
        FontFamily("fonts-urw-base35", "opentype/urw-base35/C059-*.otf"),
        FontFamily("fonts-urw-base35", "opentype/urw-base35/P052-*.otf"),
        FontFamily("fonts-urw-base35", "opentype/urw-base35/URWBookman-*.otf"),
        FontFamily("fonts-urw-base35", "opentype/urw-base35/URWGothic-*.otf"),
        FontFamily("fonts-lato", "truetype/lato/Lato-*.ttf", "Lato-[HT][ah][iin]*.ttf"),
        FontFamily("fonts-crosextra-carlito", "truetype/crosextra/Carlito-*.ttf"),
        FontFamily("fonts-firacode", "truetype/firacode/FiraCode-*.ttf"),
        FontFamily("fonts-oldstandard", "truetype/fonts-oldstandard/OldStandard-*.ttf"),
        FontFamily("fonts-ebgaramond", "opentype/ebgaramond/EBGaramond*.otf"),
        FontFamily("fonts-hack", "truetype/hack/Hack-*.ttf"),
        FontFamily("fonts-quicksand", "truetype/quicksand/Quicksand-*.ttf"),
        FontFamily("fonts-comfortaa", "truetype/comfortaa/Comfortaa-*.ttf"),
        FontFamily("fonts-dosis", "opentype/dosis/Dosis-*.otf", "Dosis-ExtraLight.otf"),
        FontFamily("fonts-play", "truetype/play/Play-*.ttf"),
        FontFamily("fonts-vollkorn", "truetype/vollkorn/Vollkorn-*.ttf"),
        FontFamily("fonts-courier-prime", "opentype/courier-prime/*.otf"),
    ),
    "val": (
        FontFamily("fonts-cantarell", "opentype/cantarell/*.otf", "Cantarell-Thin.otf"),
        FontFamily("fonts-sil-gentiumplus", "truetype/gentiumplus/Gentium*.ttf"),
        FontFamily("fonts-cabin", "opentype/cabin/Cabin-*.otf"),
    ),
    "test": (
        FontFamily("fonts-open-sans", "truetype/open-sans/OpenSans-*.ttf"),
        FontFamily(
            "fonts-roboto-unhinted",
            "truetype/roboto/unhinted/RobotoTTF/Roboto*.ttf",
            "Roboto-Thin*.ttf",
        ),
        FontFamily("fonts-crosextra-caladea", "truetype/crosextra/Caladea-*.ttf"),
        FontFamily("fonts-linuxlibertine", "opentype/linux-libertine/LinLibertine_R*.otf"),
        FontFamily("fonts-linuxlibertine", "opentype/linux-libertine/LinBiolinum_R*.otf"),
        FontFamily("fonts-inconsolata", "truetype/inconsolata/Inconsolata.otf"),
    ),
}
"""Each family is drawn as often as any other, whatever the number of its files."""


def font_files(split: FontSplit) -> list[list[Path]]:
    """The files of each family of a split; raises ``FileNotFoundError`` if one is not there."""
    return [family.files() for family in FAMILIES[split]]


@lru_cache(maxsize=1024)
def open_font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """A font of so many pixels to the em; kept, since a file takes long to open.

    Ligatures are not drawn: an "fi" is two characters, as it is read.
    """
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
