"""Decoding of CTC, beside a sum over every way in which a text can be spread along a line."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, product

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import OptionError
from inpaint_sdk.runners.ctc import BLANK, MAX_BEAM, decode_beam, decode_greedy

ALPHABET = "abc"


def logs(probabilities: list[list[float]]) -> NDArray[np.float32]:
    with np.errstate(divide="ignore"):
        return np.log(np.array(probabilities, np.float32))


def said(path: tuple[int, ...]) -> str:
    return "".join(ALPHABET[k - 1] for k, _ in groupby(path) if k != BLANK)


def likeliest(log: NDArray[np.float32]) -> tuple[str, float]:
    """The text of the largest probability, summed over all paths, and its lead over the second."""
    total: Counter[str] = Counter()
    for path in product(range(log.shape[1]), repeat=log.shape[0]):
        total[said(path)] += float(np.exp(sum(log[t, k] for t, k in enumerate(path))))
    assert sum(total.values()) == pytest.approx(1.0, abs=1e-4)
    (text, first), (_, second) = total.most_common(2)
    return text, first - second


def test_what_repeats_is_one_character_and_a_blank_parts_two() -> None:
    line = decode_greedy(np.log(np.eye(4, dtype=np.float32)[[1, 1, 0, 1, 2, 0, 3]] + 1e-9), "abc")
    assert line.text == "aabc"


def test_confidences_are_the_highest_of_a_characters_steps() -> None:
    log = logs([[0.4, 0.6, 0, 0], [0.1, 0.9, 0, 0], [0.7, 0.3, 0, 0], [0.2, 0, 0.8, 0]])
    for line in (decode_greedy(log, ALPHABET), decode_beam(log, ALPHABET, 4)):
        assert line.text == "ab"
        assert line.confidences == pytest.approx((0.9, 0.8))


def test_nothing_is_read_from_blanks() -> None:
    log = logs([[1.0, 0, 0, 0]] * 3)
    for line in (decode_greedy(log, ALPHABET), decode_beam(log, ALPHABET, 2)):
        assert (line.text, line.confidences) == ("", ())


def test_a_beam_adds_up_what_greedy_does_not() -> None:
    """Blank is likeliest in each step, while three of the four paths say "a"."""
    log = logs([[0.6, 0.4, 0, 0], [0.6, 0.4, 0, 0]])
    assert decode_greedy(log, ALPHABET).text == ""
    assert decode_beam(log, ALPHABET, 3).text == "a"


@pytest.mark.parametrize("seed", range(12))
def test_a_wide_beam_finds_the_likeliest_text(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.0, 1.5, (5, 4)).astype(np.float32)
    log = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    text, lead = likeliest(log)
    assert lead > 1e-5
    found = decode_beam(log, ALPHABET, MAX_BEAM)
    assert found.text == text
    assert len(found.confidences) == len(text)
    assert all(0.0 < value <= 1.0 for value in found.confidences)


@pytest.mark.parametrize("beam", [0, -1, MAX_BEAM + 1, 2.5, True])
def test_a_beam_out_of_range_is_refused(beam: int) -> None:
    with pytest.raises(OptionError, match="beam"):
        decode_beam(logs([[0.5, 0.5, 0, 0]]), ALPHABET, beam)
