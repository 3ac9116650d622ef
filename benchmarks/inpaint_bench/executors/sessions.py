"""Sessions of our models, by the SDK's backends."""

from __future__ import annotations

from pathlib import Path

from inpaint_bench.executors.base import CannotRunError
from inpaint_bench.schema.run import CandidateKey
from inpaint_sdk import InpaintError
from inpaint_sdk.backends import Session, open_session
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.zoo import open_model


def find_model(candidate: CandidateKey) -> ModelFile:
    """The candidate's file in the precision that is asked for.

    Where the source is of another one, its relative is taken: ``photo-int8.onnx`` for
    ``photo.onnx``, in the same folder.

    Raises:
        CannotRunError: there is none.
    """
    path = Path(candidate.source)
    model = _open(path if path.suffix else candidate.source)
    if model.info.precision == candidate.precision:
        return model
    related = model.path.with_name(f"{model.path.stem}-{candidate.precision}.onnx")
    if not related.is_file():
        raise CannotRunError(
            f"{candidate.source} is of precision {model.info.precision}, and there is no {related}."
            f" To make it: inpaint-export export {model.path.name} --precision "
            f"{candidate.precision} --data DATA -o {related.name}"
        )
    return _open(related)


def _open(source: str | Path) -> ModelFile:
    try:
        return open_model(source)
    except InpaintError as error:
        raise CannotRunError(str(error)) from error


def open_model_session(model: ModelFile, backend: str, threads: int) -> Session:
    """A session of one of the SDK's backends.

    Raises:
        CannotRunError: the backend cannot run here.
    """
    try:
        return open_session(model, backend, threads)
    except InpaintError as error:
        raise CannotRunError(str(error)) from error
