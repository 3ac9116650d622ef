from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from inpaint_sdk.prefetch import prefetch_map


def test_results_come_in_order() -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(prefetch_map(work, range(30), ahead=5, workers=4)) == [n * n for n in range(30)]


def test_no_more_is_taken_than_is_asked_for() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = prefetch_map(lambda n: n, items(), ahead=3)
    assert [next(results) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert taken == 8
    results.close()


def test_an_error_is_raised_at_its_turn() -> None:
    results = prefetch_map(lambda n: 1 // n, [2, 1, 0, 1], ahead=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_stopping_early_leaves_no_thread() -> None:
    before = threading.active_count()
    results = prefetch_map(lambda n: n, iter(int, 1), ahead=4, workers=2)
    next(results)
    results.close()
    assert threading.active_count() == before
