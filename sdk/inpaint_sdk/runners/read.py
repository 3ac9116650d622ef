"""Reading a line of text with a model for the task ``read``."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.errors import ImageError, ModelError
from inpaint_sdk.images.image import Image
from inpaint_sdk.images.tensors import Tensor, image_tensor, require_finite, to_float01
from inpaint_sdk.models.info import main_output
from inpaint_sdk.runners.ctc import TextLine, decode_beam, decode_greedy

MAX_RATIO = 400
"""Of a line's width to its height: a picture that is wider is no line."""


class ReadRunner:
    """A loaded model for the task ``read``. May be shared by threads.

    Raises:
        ModelError: the model is for another task.
    """

    def __init__(self, model: LoadedModel) -> None:
        model.require_task("read", "reads no text", "text-line")
        self.info = model.info
        self._session = model.session

    def read(self, image: Image, beam: int | None) -> TextLine:
        """Reads the line of text that a picture shows; beam: width of a search, or None for greedy.

        Raises:
            ImageError: the picture is more than ``MAX_RATIO`` times as wide as high.
            OptionError: ``beam`` is out of its range.
            ModelError: the network's output is not finite, or does not fit the alphabet.
        """
        tensor = line_tensor(image, self.info.trained_size, self.info.size_multiple)
        output = self._session.run({"image": tensor})[main_output("read")]
        require_finite(output)
        classes = 1 + len(self.info.alphabet)
        if output.ndim != 3 or output.shape[2] != classes:
            raise ModelError(
                f"the model {self.info.name!r} gives {output.shape}, not {classes} classes for its "
                "alphabet; export it again"
            )
        if beam is None:
            return decode_greedy(output[0], self.info.alphabet)
        return decode_beam(output[0], self.info.alphabet, beam)


def line_tensor(image: Image, height: int, multiple: int) -> Tensor:
    """A line, scaled to a height, as RGB float32 [1, 3, height, W] in [0, 1].

    Raises:
        ImageError: it is more than ``MAX_RATIO`` times as wide as high.
    """
    rows, columns = image.pixels.shape[:2]
    if columns > MAX_RATIO * rows:
        raise ImageError(
            f"the image has {columns}x{rows} pixels, which is no line of text: a line is at most "
            f"{MAX_RATIO} times as wide as high"
        )
    unit = to_float01(image.pixels)
    if rows != height:
        width = max(1, round(columns * height / rows))
        method = cv2.INTER_AREA if rows > height else cv2.INTER_LINEAR
        scaled = cv2.resize(unit, (width, height), interpolation=method)
        unit = scaled.reshape(height, width, unit.shape[2]).astype(np.float32, copy=False)
    return image_tensor(unit, image.channels, multiple)
