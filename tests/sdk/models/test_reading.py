"""Descriptions of models that read, and files of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inpaint_sdk import ModelError
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.info import ModelInfo
from support.models import model_info
from support.reader import ALPHABET, write_reader


def test_the_alphabet_is_in_the_file(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    assert read_model_file(write_reader(tmp_path / "colours.onnx")).info.alphabet == ALPHABET


def test_the_alphabet_is_kept_in_the_document() -> None:
    info = model_info(task="read", alphabet=' "\\aé€')
    assert ModelInfo.from_json(info.to_json(), "a file") == info


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"task": "read", "alphabet": ""}, "alphabet has 0 characters"),
        ({"task": "enhance", "alphabet": "ab"}, "alphabet has 2 characters"),
        ({"task": "read", "alphabet": "aba"}, "twice"),
        ({"task": "read", "alphabet": "a\n"}, "cannot be printed"),
        ({"task": "read", "outputs": ("output",)}, "'log_probability'"),
        ({"task": "read", "kinds": ("damage",)}, "kinds"),
    ],
)
def test_what_contradicts_itself_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        model_info(**fields)
