"""A GStreamer pipeline as a source of frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import BackendError, SourceError

TIMEOUT_SECONDS = 5
"""For a pipeline to start, and for each of its frames."""


class PipelineCapture:
    """Reads BGR frames from a pipeline that ends in an appsink.

    The appsink is told to ask for BGR and to hold no more than two frames, the newest; a
    ``videoconvert`` before it makes that possible.
    """

    def __init__(self, pipeline: str) -> None:
        gst = _import_gst()
        self._gst = gst
        self._name = pipeline
        try:
            self._pipeline = gst.parse_launch(pipeline)
        except Exception as error:  # GLib.Error, which is only there if gi is
            raise SourceError(f"GStreamer cannot build {pipeline!r}: {error}") from error
        self._sink = next(
            e for e in _elements(gst, self._pipeline) if e.get_factory().get_name() == "appsink"
        )
        self._sink.set_property("caps", gst.Caps.from_string("video/x-raw, format=(string)BGR"))
        self._sink.set_property("max-buffers", 2)
        self._pipeline.set_state(gst.State.PLAYING)
        change, _, _ = self._pipeline.get_state(TIMEOUT_SECONDS * gst.SECOND)
        if change == gst.StateChangeReturn.FAILURE:
            reason = self._error() or "it did not start"
            self.release()
            raise SourceError(f"GStreamer cannot run {pipeline!r}: {reason}")

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """The next frame, uint8 [H, W, 3]; false at the end.

        Raises:
            SourceError: the pipeline failed, or gave no frame in time.
        """
        sample = self._sink.emit("try-pull-sample", TIMEOUT_SECONDS * self._gst.SECOND)
        if sample is None:
            if self._sink.get_property("eos") and not (reason := self._error()):
                return False, None
            reason = self._error() or f"no frame for {TIMEOUT_SECONDS} s"
            raise SourceError(f"GStreamer stopped running {self._name!r}: {reason}")
        form = sample.get_caps().get_structure(0)
        height, width = form.get_value("height"), form.get_value("width")
        with sample.get_buffer().map(self._gst.MapFlags.READ) as mapped:
            rows = np.frombuffer(mapped.data, np.uint8)
            stride = -(-3 * width // 4) * 4  # GStreamer's rows start at multiples of 4 bytes
            rows = rows[: stride * height].reshape(height, stride)[:, : 3 * width]
            return True, rows.reshape(height, width, 3).copy()

    def release(self) -> None:
        """Ends the pipeline."""
        self._pipeline.set_state(self._gst.State.NULL)

    def _error(self) -> str | None:
        message = self._pipeline.get_bus().pop_filtered(self._gst.MessageType.ERROR)
        return None if message is None else str(message.parse_error()[0].message)


def _import_gst() -> Any:
    try:
        import gi

        gi.require_version("Gst", "1.0")
        from gi.repository import Gst
    except (ImportError, ValueError) as error:
        raise BackendError(
            f"a GStreamer pipeline needs PyGObject and GStreamer ({error}). On Debian: apt-get "
            "install python3-gi python3-gst-1.0 gstreamer1.0-plugins-base, in an environment made "
            "with the system's Python and --system-site-packages"
        ) from error
    Gst.init(None)
    return Gst


def _elements(gst: Any, pipeline: Any) -> list[Any]:
    if not isinstance(pipeline, gst.Bin):
        return [pipeline]
    found: list[Any] = []
    iterator = pipeline.iterate_elements()
    while True:
        result, element = iterator.next()
        if result != gst.IteratorResult.OK:
            return found
        found.append(element)
