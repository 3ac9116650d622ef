"""A model of Triton's Python backend: inpaint-sdk, from a picture's bytes to a picture's bytes.

PICTURE: a picture file's bytes. MASK, if given: a mask file's, nonzero where it is to be restored.
OPTIONS, if given: JSON, the fields of inpaint_sdk.Options, with those of DetectionOptions under
"detection". RESTORED: a file of the same format, with the same metadata. PLAN: what was done.
The server's Python needs inpaint-sdk.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

from inpaint_sdk import DetectionOptions, InpaintError, OptionError, Options, Restorer


class TritonPythonModel:
    """One instance: loads its model once, and restores one picture after another."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the model that the configuration names, on the instance's device."""
        parameters = json.loads(args["model_config"])["parameters"]
        name = parameters["model"]["string_value"]
        beside = Path(args["model_repository"]) / args["model_version"] / name
        on_gpu = args["model_instance_kind"] == "GPU"
        device = f"cuda:{args['model_instance_device_id']}" if on_gpu else "cpu"
        self._restorer = Restorer.load(
            beside if beside.is_file() else name, device=device, threads=None if on_gpu else 1
        )

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers each request with a restored picture, or with why there is none."""
        return [self._answer(request) for request in requests]

    def finalize(self) -> None:
        """Gives back what the model takes."""
        self._restorer.close()

    def _answer(self, request: Any) -> Any:
        try:
            options = _options(_input(request, "OPTIONS"))
            result = self._restorer.run(
                _input(request, "PICTURE") or b"", _input(request, "MASK"), options=options
            )
        except InpaintError as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
        outputs = {"RESTORED": result.image, "PLAN": str(result.plan).encode()}
        tensors = [
            pb_utils.Tensor(name, np.array([value], np.object_)) for name, value in outputs.items()
        ]
        return pb_utils.InferenceResponse(tensors)


def _input(request: Any, name: str) -> bytes | None:
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return None if tensor is None else bytes(tensor.as_numpy().reshape(-1)[0])


def _options(text: bytes | None) -> Options | None:
    if not text:
        return None
    try:
        fields = json.loads(text)
        if "kinds" in fields and fields["kinds"] is not None:
            fields["kinds"] = frozenset(fields["kinds"])
        if "detection" in fields:
            fields["detection"] = DetectionOptions(**fields["detection"])
        return Options(**fields)
    except (ValueError, TypeError) as error:  # of json, and of names that there are not
        raise OptionError(f"OPTIONS cannot be used: {error}") from error
