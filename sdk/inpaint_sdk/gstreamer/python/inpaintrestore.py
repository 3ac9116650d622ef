"""The GStreamer element ``inpaintrestore``.

GStreamer's loader for Python plugins finds this file by its place: a folder ``python`` within
``GST_PLUGIN_PATH``. ``inpaint-sdk gstreamer`` prints the settings.
"""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")

import numpy as np
from gi.repository import GLib, GObject, Gst, GstVideo

from inpaint_sdk import FrameRestorer, InpaintError, OptionError, Options, Restorer
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.images.image import Channels
from inpaint_sdk.loaded import absolute
from inpaint_sdk.options import DamageIn, check_choice
from inpaint_sdk.policies.make import DETECTOR, load_detector

CAPS = Gst.Caps.from_string(
    "video/x-raw, format=(string){BGR, RGB}, width=[1, 2147483647], height=[1, 2147483647], "
    "framerate=[0/1, 2147483647/1]"
)


class InpaintRestore(GstVideo.VideoFilter):  # type: ignore[misc]
    """Restores what a mask marks in every frame, in place; frames are BGR or RGB."""

    __gstmetadata__ = (
        "Inpaint restore",
        "Filter/Effect/Video",
        "Restores the part of each frame that a mask marks, or all of it with a mask-free model",
        "inpaint-sdk",
    )
    __gsttemplates__ = (
        Gst.PadTemplate.new("sink", Gst.PadDirection.SINK, Gst.PadPresence.ALWAYS, CAPS),
        Gst.PadTemplate.new("src", Gst.PadDirection.SRC, Gst.PadPresence.ALWAYS, CAPS),
    )

    model = GObject.Property(
        type=str, default="photo", nick="Model", blurb="Name of a model, or path of a model file"
    )
    mask = GObject.Property(
        type=str,
        default="",
        nick="Mask",
        blurb="Image of the frames' size, nonzero where they are to be restored",
    )
    backend = GObject.Property(
        type=str, default="auto", nick="Backend", blurb="What runs the model, or auto"
    )
    steady = GObject.Property(
        type=bool,
        default=True,
        nick="Steady",
        blurb="Keep still what lies in a still surrounding",
    )
    damage = GObject.Property(
        type=str,
        default="",
        nick="Damage",
        blurb="In place of a mask: static finds what stays in its place in all frames (dirt, dead "
        "pixels, a logo), frame finds damage in each",
    )
    detector = GObject.Property(
        type=str,
        default=DETECTOR,
        nick="Detector",
        blurb="What finds damage: name of a model, or path of a model file",
    )

    clouds = GObject.Property(
        type=str, default="", nick="Clouds", blurb="With model=auto: thin or thick clouds to remove"
    )

    enhance = GObject.Property(
        type=bool,
        default=False,
        nick="Enhance",
        blurb="With model=auto: clean noise, blur and compression, too",
    )

    strength = GObject.Property(
        type=float,
        default=Options().strength,
        minimum=0.0,
        maximum=1.0,
        nick="Strength",
        blurb="How far cleaning may change a frame",
    )

    def do_start(self) -> bool:
        """Loads the model, or posts why it cannot.

        What fails here fails the pipeline's change of state, which every application is told of. An
        error that is posted later may reach ``gst-launch-1.0`` before it waits for errors, and then
        it waits for ever.
        """
        try:
            self._pool = ModelPool(self.backend)
            self._frames(self._restorer("bgr"))
            if self.damage:
                load_detector(self._pool, absolute(self.detector))  # or that it is missing
        except InpaintError as error:
            self._post(error)
            return False
        return True

    def do_stop(self) -> bool:
        """Gives back what the models take."""
        self._pool.close()
        return True

    def do_set_info(self, caps: Any, info: Any, _out_caps: Any, _out_info: Any) -> bool:
        """Restores frames of the format that is known now, or posts why it cannot."""
        self._shape = info.height, info.width
        self._stride = info.stride[0]
        restorer = self._restorer(caps.get_structure(0).get_string("format").lower())
        try:
            self._restore = self._frames(restorer)
            # A mask of another size is told before it plays.
            self._frames(restorer)(np.zeros((*self._shape, 3), np.uint8))
        except InpaintError as error:
            self._post(error)
            return False
        return True

    def do_transform_ip(self, buffer: Any) -> Any:
        """Restores one frame, in its buffer."""
        # VideoFilter's own method for frames cannot be used: PyGObject gives it frames whose
        # pointers are not those of the pixels.
        meta = GstVideo.buffer_get_video_meta(buffer)
        stride, offset = (self._stride, 0) if meta is None else (meta.stride[0], meta.offset[0])
        try:
            with buffer.map(Gst.MapFlags.READ | Gst.MapFlags.WRITE) as mapped:
                height, width = self._shape
                pixels: Any = np.ndarray(
                    (height, width, 3), np.uint8, mapped.data, offset, (stride, 3, 1)
                )
                self._restore(pixels, out=pixels)
        except InpaintError as error:
            self._post(error)
            return Gst.FlowReturn.ERROR
        return Gst.FlowReturn.OK

    def _restorer(self, channels: Channels) -> Restorer:
        return Restorer(
            self.model,
            self._pool,
            channels,
            Options(enhance=self.enhance, strength=self.strength),
            self.detector,
            self.clouds or None,
        )

    def _frames(self, restorer: Restorer) -> FrameRestorer:
        """What restores a frame; raises ``InpaintError`` if the properties do not fit."""
        if self.damage and self.mask:
            raise OptionError("give the property mask or the property damage, not both")
        if self.damage:
            check_choice("the property damage", self.damage, DamageIn)
        elif not self.mask and self.model != "auto" and restorer.model.task == "inpaint":
            raise OptionError(
                f"the model {self.model!r} needs the property mask, or damage=static or "
                "damage=frame to find what is to be restored"
            )
        return restorer.frames(self.mask or None, damage=self.damage or "frame", steady=self.steady)

    def _post(self, error: InpaintError) -> None:
        reason = GLib.Error.new_literal(
            Gst.LibraryError.quark(), str(error), int(Gst.LibraryError.SETTINGS)
        )
        self.post_message(Gst.Message.new_error(self, reason, type(error).__name__))


GObject.type_register(InpaintRestore)
__gstelementfactory__ = ("inpaintrestore", Gst.Rank.NONE, InpaintRestore)
