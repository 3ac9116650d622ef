"""Text as it is printed, and lines of it: what a reader of text is trained on and measured with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inpaint_eval.drawing import Coverage

CHARACTERS = "".join(map(chr, range(ord(" "), ord("~") + 1)))
"""That are read: the space, Latin letters, digits and punctuation, as ASCII has them."""

LINE_HEIGHT = 32
"""Of lines as readers see them, in pixels."""

WORDS = Path("/usr/share/dict/american-english")

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_VOWELS, _CONSONANTS = "aeiouy", "bcdfghjklmnpqrstvwxz"
_ENDS = (",", ".", ":", ";", "!", "?", ",", ".", ",", ".", "...", " -", "'s", "%")
_BRACKETS = ("()", '""', "''", "[]", "{}", "<>", "()", '""', "()", '""')


@cache
def dictionary() -> Sequence[str]:
    """English words of Debian's ``wamerican``, without those in the possessive.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    if not WORDS.is_file():
        raise FileNotFoundError(f"there is no list of words {WORDS}: apt-get install wamerican")
    words = WORDS.read_text(encoding="utf-8").split()
    return tuple(w for w in words if w.isascii() and "'" not in w)


def prose(rng: np.random.Generator, length: int) -> str:
    """English words with the punctuation and numbers of prose, of at least ``length`` characters.

    The words are independent of each other, so that nobody can guess a line from its half.
    """
    words, parts = dictionary(), [""]
    upper = rng.random() < 0.12
    while sum(map(len, parts)) + len(parts) < length + 2:
        word = words[int(rng.integers(len(words)))]
        if rng.random() < 0.08:
            word = _number(rng)
        elif upper:
            word = word.upper()
        elif rng.random() < 0.2:
            word = word.capitalize()
        if rng.random() < 0.2:
            word += _ENDS[int(rng.integers(len(_ENDS)))]
        elif rng.random() < 0.05:
            bracket = _BRACKETS[int(rng.integers(len(_BRACKETS)))]
            word = bracket[0] + word + bracket[1]
        parts.append(word)
    return " ".join(parts[1:])


def made_up(rng: np.random.Generator, length: int) -> str:
    """Words of no language, codes, addresses and anything else, of at least ``length`` characters.

    Each character is there as often as a reader needs that does not guess.
    """
    text = ""
    while len(text) < length:
        text += (" " if text else "") + _MADE[int(rng.integers(len(_MADE)))](rng)
    return text


def _number(rng: np.random.Generator) -> str:
    digits = "".join(map(str, rng.integers(0, 10, int(rng.integers(1, 7)))))
    form = int(rng.integers(8))
    cents = f"{int(rng.integers(100)):02d}"
    if form < 3:
        return digits
    if form == 3:
        return f"${digits}.{cents}"
    if form == 4:
        return f"{int(rng.integers(1, 32)):02d}{'/.-'[int(rng.integers(3))]}{cents}"
    if form == 5:
        return f"{int(rng.integers(24))}:{cents[::-1]}"
    return f"{digits},{cents}" if form == 6 else f"{int(rng.integers(1000, 2100))}"


def _syllables(rng: np.random.Generator) -> str:
    word = ""
    for _ in range(int(rng.integers(1, 5))):
        word += _CONSONANTS[int(rng.integers(20))] + _VOWELS[int(rng.integers(6))]
        if rng.random() < 0.3:
            word += _CONSONANTS[int(rng.integers(20))]
    style = rng.random()
    return word.upper() if style < 0.25 else word.capitalize() if style < 0.5 else word


def _any_letters(rng: np.random.Generator) -> str:
    word = "".join(_LETTERS[i] for i in rng.integers(0, 26, int(rng.integers(1, 10))))
    style = rng.random()
    return word.upper() if style < 0.4 else word.capitalize() if style < 0.6 else word


def _code(rng: np.random.Generator) -> str:
    """Letters of one case and digits, which are told from each other by their neighbours."""
    letters = "".join(_LETTERS[i] for i in rng.integers(0, 26, int(rng.integers(1, 5)))).upper()
    return f"{letters}{'-/#_ '[int(rng.integers(5))]}{_number(rng)}"


def _address(rng: np.random.Generator) -> str:
    name, host = _syllables(rng).lower(), _any_letters(rng).lower()
    forms = (f"{name}@{host}.com", f"www.{host}.org/{name}", f"#{name}", f"{name}_{host}=1")
    return forms[int(rng.integers(len(forms)))]


def _anything(rng: np.random.Generator) -> str:
    return "".join(CHARACTERS[i] for i in rng.integers(1, len(CHARACTERS), rng.integers(1, 8)))


def _marked(rng: np.random.Generator) -> str:
    bracket = _BRACKETS[int(rng.integers(len(_BRACKETS)))]
    return bracket[0] + _syllables(rng) + bracket[1] + _ENDS[int(rng.integers(len(_ENDS)))]


_MADE = (_syllables, _syllables, _any_letters, _number, _code, _address, _anything, _marked)


def draw_line(text: str, font: ImageFont.FreeTypeFont, spacing: float = 0.0) -> Coverage:
    """A line of text in a font, uint8 [h, w], from its ascenders' top to its descenders' foot.

    spacing: pixels between letters beside the font's own. Raises ``ValueError`` without a letter.
    """
    top, foot = vertical_extent(font)
    margin = max(2, font.size // 4)  # for what reaches over an italic's own width
    if spacing:
        places = np.cumsum([font.getlength(c) + spacing for c in text]).tolist()
    else:
        places = [font.getlength(text)]
    if not text.strip():
        raise ValueError("there is no letter to draw")
    canvas = Image.new("L", (max(1, round(places[-1]) + 2 * margin), foot - top))
    pen = ImageDraw.Draw(canvas)
    if spacing:
        for character, left in zip(text, [0.0, *places], strict=False):
            pen.text((margin + left, -top), character, fill=255, font=font, anchor="ls")
    else:
        pen.text((margin, -top), text, fill=255, font=font, anchor="ls")
    drawn = np.asarray(canvas)
    columns = np.flatnonzero(drawn.max(axis=0))
    if not columns.size:
        raise ValueError(f"the font {font.getname()[0]} draws nothing for {text!r}")
    return np.asarray(drawn[:, columns[0] : columns[-1] + 1])


@cache
def vertical_extent(font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    """From ascenders' top to descenders' foot, in pixels below the baseline: the first negative."""
    _, top, _, foot = font.getbbox("bdfhklgpqyj|(", anchor="ls")
    return int(np.floor(top)), int(np.ceil(foot))
