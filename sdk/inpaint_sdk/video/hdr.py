"""HDR: what a mastering display could show and how bright a video is, as encoders are told it."""

from __future__ import annotations

import struct

NAMES = {
    "libx264": ("x264-params", "mastering-display", "cll"),
    "libx265": ("x265-params", "master-display", "max-cll"),
    "libsvtav1": ("svtav1-params", "mastering-display", "content-light"),
}
"""An encoder's option, and the parameters in it for display and light level."""


def hdr_options(encoder: str, mastering: bytes, light: bytes) -> dict[str, str]:
    """FFmpeg's options with which an encoder writes HDR metadata; none if it cannot.

    mastering, light: FFmpeg's structures AVMasteringDisplayMetadata and AVContentLightMetadata, or
    empty.
    """
    if encoder not in NAMES:
        return {}
    option, display, level = NAMES[encoder]
    found = []
    if len(mastering) >= 88:
        numbers = struct.unpack("=22i", mastering[:88])
        if not (numbers[20] and numbers[21]):  # it knows its colours and its light
            return hdr_options(encoder, b"", light)
        values = [
            top / (bottom or 1) for top, bottom in zip(numbers[:20:2], numbers[1:20:2], strict=True)
        ]
        # SVT-AV1 takes numbers as they are, the others units of 0.00002 and 0.0001 cd/m2.
        is_plain = encoder == "libsvtav1"
        places = [f"{v:.5f}" if is_plain else str(round(v * 50000)) for v in values[:8]]
        lights = [f"{v:.4f}" if is_plain else str(round(v * 10000)) for v in values[8:]]
        red, green, blue, white = (",".join(places[n : n + 2]) for n in (0, 2, 4, 6))
        found.append(f"{display}=G({green})B({blue})R({red})WP({white})L({lights[1]},{lights[0]})")
    if len(light) >= 8:
        found.append(f"{level}={','.join(map(str, struct.unpack('=2I', light[:8])))}")
    return {option: ":".join(found)} if found else {}
