from __future__ import annotations

import subprocess
import sys
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


def test_an_abandoned_map_ends_with_what_was_begun() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work(number: int) -> int:
        if number:
            begun.set()
            assert go_on.wait(30)
            done.append(number)
        return number

    before = threading.active_count()
    results = prefetch_map(work, range(10), ahead=3)
    next(results)
    assert begun.wait(30)
    threading.Timer(0.05, go_on.set).start()
    del results
    assert done == [1], "what was begun is not waited for, or more was begun"
    assert threading.active_count() <= before + 1  # the timer's may not have ended


def test_a_program_may_end_with_an_unfinished_map() -> None:
    program = """
import time
from inpaint_sdk.prefetch import prefetch_map

def work(number):
    time.sleep(0.05)
    return number

results = prefetch_map(work, iter(int, 1), ahead=4, workers=2)
next(results)
"""
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
