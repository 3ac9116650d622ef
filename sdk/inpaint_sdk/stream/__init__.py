"""Frames that do not wait: cameras and other live sources."""

from inpaint_sdk.stream.pipeline import Frame, LatePolicy, Stream, StreamCounts
from inpaint_sdk.stream.sources import Source, open_source

__all__ = ["Frame", "LatePolicy", "Source", "Stream", "StreamCounts", "open_source"]
