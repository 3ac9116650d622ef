"""The scan's benchmark, on a picture so small that only its shape can be tested."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from inpaint_bench import scan


def test_measures_every_candidate_and_writes_what_it_prints(tmp_path, capsys):
    file = tmp_path / "scan.json"
    scan.main(["--shape", "1x2x5x7", "--rounds", "4", "--threads", "2", "--output", str(file)])
    result = json.loads(file.read_text())
    (entry,) = result["shapes"]
    assert entry["shape"] == [1, 2, 5, 7]
    assert result["left_out"] == []
    candidates = {name for _, *pair in scan.RATIOS for name in pair}
    assert candidates == set(entry["milliseconds"])
    printed = capsys.readouterr().out
    for name, ratio in entry["ratios"].items():
        assert 0 < ratio["p50_low"] <= ratio["p50_high"]
        assert f"| 1x2x5x7 | {name} | {ratio['p50']:.2f} |" in printed
    assert set(entry["ratios"]) == {name for name, *_ in scan.RATIOS}


@pytest.mark.parametrize("shape", ["1x2x3", "1x2x3x0", "axbxcxd"])
def test_a_shape_that_is_none(shape, capsys):
    with pytest.raises(SystemExit):
        scan.main(["--shape", shape])
    assert shape in capsys.readouterr().err
