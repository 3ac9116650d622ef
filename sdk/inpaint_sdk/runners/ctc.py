"""Decoding of CTC (Graves et al., ICML 2006): from log-probabilities along a line to its text."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import OptionError

BLANK = 0
"""The class that stands for no character; a character has its place in the alphabet, from 1 on."""

MAX_BEAM = 100

LogProbabilities = NDArray[np.float32]
Labels = tuple[int, ...]


@dataclass(frozen=True)
class TextLine:
    """A line that was read.

    text: what it says. confidences: of each of its characters, from 0 to 1: the highest probability
    that the network gives it in the part of the line where it stands.
    """

    text: str
    confidences: tuple[float, ...]


def decode_greedy(log_probabilities: LogProbabilities, alphabet: str) -> TextLine:
    """The most probable class of each step, where neighbours that repeat are one character.

    log_probabilities: [T, 1 + C]. alphabet: of C characters.
    """
    best = log_probabilities.argmax(axis=1)
    return _to_line(best, log_probabilities, alphabet)


def decode_beam(log_probabilities: LogProbabilities, alphabet: str, beam: int) -> TextLine:
    """The most probable text, by prefix beam search.

    Unlike :func:`decode_greedy` it adds up the ways in which a text can be spread along the line.

    log_probabilities: [T, 1 + C]. alphabet: of C characters. beam: texts that are followed, and
    classes that are looked at in each step.

    Raises:
        OptionError: ``beam`` is not from 1 to ``MAX_BEAM``.
    """
    check_beam(beam)
    # The logarithm of a text's probability so far, by whether it ends with a blank or a character.
    beams: dict[Labels, tuple[float, float]] = {(): (0.0, -math.inf)}
    for step in log_probabilities:
        classes = np.argsort(step)[-beam - 1 :].tolist()
        log = dict(zip(classes, step[classes].tolist(), strict=True))
        log.setdefault(BLANK, float(step[BLANK]))
        following: dict[Labels, list[float]] = {}
        for labels, (blank, character) in beams.items():
            total = _add(blank, character)
            entry = following.setdefault(labels, [-math.inf, -math.inf])
            entry[0] = _add(entry[0], total + log[BLANK])
            if labels:
                entry[1] = _add(entry[1], character + float(step[labels[-1]]))
            for label, probability in log.items():
                if label != BLANK:
                    # A character that repeats is another one only after a blank.
                    before = blank if labels and label == labels[-1] else total
                    entry = following.setdefault((*labels, label), [-math.inf, -math.inf])
                    entry[1] = _add(entry[1], before + probability)
        kept = heapq.nlargest(beam, following.items(), key=lambda item: _add(*item[1]))
        beams = {labels: (blank, character) for labels, (blank, character) in kept}
    return _to_line(_align(next(iter(beams)), log_probabilities), log_probabilities, alphabet)


def check_beam(beam: int) -> None:
    """Raises ``OptionError`` unless it is a whole number from 1 to ``MAX_BEAM``."""
    if type(beam) is not int or not 1 <= beam <= MAX_BEAM:
        raise OptionError(f"beam is {beam!r}; it must be a whole number from 1 to {MAX_BEAM}")


def _align(labels: Labels, log_probabilities: LogProbabilities) -> NDArray[np.int64]:
    """The class of each step on the most probable way in which a text is spread along a line."""
    states = np.full(2 * len(labels) + 1, BLANK)
    states[1::2] = labels
    # From a character to the next without a blank between, unless the two are the same.
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    score = np.full(len(states), -np.inf)
    score[0] = 0.0
    score_of_steps = log_probabilities[:, states]
    moves = np.zeros(score_of_steps.shape, np.int64)
    for index, step in enumerate(score_of_steps):
        one, two = np.full_like(score, -np.inf), np.full_like(score, -np.inf)
        one[1:] = score[:-1]
        two[2:] = np.where(skips[2:], score[:-2], -np.inf)
        if index == 0:
            two[:] = -np.inf  # a line begins with a blank or with its first character
        choices = np.stack([score, one, two])
        moves[index] = choices.argmax(axis=0)
        score = choices.max(axis=0) + step
    state = len(states) - 1
    if state and score[state - 1] > score[state]:
        state -= 1
    path = np.zeros(len(score_of_steps), np.int64)
    for index in range(len(path) - 1, -1, -1):
        path[index] = states[state]
        state -= moves[index, state]
    return path


def _to_line(
    path: NDArray[np.int64], log_probabilities: LogProbabilities, alphabet: str
) -> TextLine:
    """What the classes of a line's steps say."""
    begins = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist()]
    text, confidences = [], []
    for begin, end in zip(begins, [*begins[1:], len(path)], strict=True):
        if path[begin] != BLANK:
            text.append(alphabet[path[begin] - 1])
            highest = log_probabilities[begin:end, path[begin]].max()
            confidences.append(min(1.0, math.exp(highest)))
    return TextLine("".join(text), tuple(confidences))


def _add(first: float, second: float) -> float:
    """The logarithm of the sum of two numbers that are given as logarithms."""
    high, low = (first, second) if first > second else (second, first)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
