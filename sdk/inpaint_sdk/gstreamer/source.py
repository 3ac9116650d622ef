"""A GStreamer pipeline as a source of frames."""

from __future__ import annotations

import weakref
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
        # Also ends a pipeline that nobody released. GStreamer lets any thread do so at any time: a
        # pull that waits returns, and a sample that was pulled stays valid.
        self._end = weakref.finalize(self, self._pipeline.set_state, gst.State.NULL)
        self._sink = next(
            e for e in _elements(gst, self._pipeline) if e.get_factory().get_name() == "appsink"
        )
        self._sink.set_property("caps", gst.Caps.from_string("video/x-raw, format=(string)BGR"))
        self._sink.set_property("max-buffers", 2)
        self._pipeline.set_state(gst.State.PLAYING)
        change, _, _ = self._pipeline.get_state(TIMEOUT_SECONDS * gst.SECOND)
        if change == gst.StateChangeReturn.FAILURE:
            # The state may be known to whoever asks before the reason is.
            reason = self._error(wait=gst.SECOND) or "it did not start"
            self.release()
            raise SourceError(f"GStreamer cannot run {pipeline!r}: {reason}")

    def read(self) -> NDArray[np.uint8] | None:
        """The next frame, uint8 BGR [H, W, 3]; None at the end, or once released.

        Raises:
            SourceError: the pipeline failed, or gave no frame in time.
        """
        sample = self._sink.emit("try-pull-sample", TIMEOUT_SECONDS * self._gst.SECOND)
        if not self._end.alive:
            return None
        if sample is None:
            reason = self._error()
            if self._sink.get_property("eos") and not reason:
                return None
            reason = reason or f"no frame for {TIMEOUT_SECONDS} s"
            raise SourceError(f"GStreamer stopped running {self._name!r}: {reason}")
        form = sample.get_caps().get_structure(0)
        height, width = form.get_value("height"), form.get_value("width")
        with sample.get_buffer().map(self._gst.MapFlags.READ) as mapped:
            rows = np.frombuffer(mapped.data, np.uint8)
            stride = -(-3 * width // 4) * 4  # GStreamer's rows start at multiples of 4 bytes
            rows = rows[: stride * height].reshape(height, stride)[:, : 3 * width]
            frame: NDArray[np.uint8] = rows.reshape(height, width, 3).copy()
            return frame

    def release(self) -> None:
        """Ends the pipeline. Any thread may call it, also during a read, and more than once."""
        self._end()

    def _error(self, wait: int = 0) -> str | None:
        """What the pipeline said of its failure, if it does so in the nanoseconds given."""
        bus = self._pipeline.get_bus()
        message = bus.timed_pop_filtered(wait, self._gst.MessageType.ERROR)
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
