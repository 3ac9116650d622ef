"""A camera loop that keeps up: a frame that cannot be ready in time is dropped and counted.

    python examples/04_camera.py 0 --mask mask.png        # a camera with dead pixels, say

Without arguments it plays a made-up camera of 30 frames a second.
"""

import argparse
import time
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from inpaint_sdk import Restorer, open_source


def made_up_camera(count: int = 60) -> Iterator[np.ndarray]:
    for index in range(count):
        time.sleep(1 / 30)
        frame = np.full((240, 320, 3), 120, np.uint8)
        cv2.circle(frame, (5 * index % 320, 120), 40, (60, 160, 220), -1)
        yield frame


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source", nargs="?", help="0, /dev/video0, rtsp://..., a file")
    parser.add_argument("--mask")
    arguments = parser.parse_args()
    frames: Iterable[np.ndarray] = made_up_camera()
    mask: str | np.ndarray = np.zeros((240, 320), np.uint8)
    mask[100:104, :] = 255  # a scratch on the lens
    if arguments.source is not None:
        frames, mask = open_source(arguments.source), arguments.mask

    restorer = Restorer.load("photo")
    restorer.warm_up(240, 320)  # so that the first frame is not late
    with restorer.stream(frames, mask, latency_budget=0.1, late="drop", steady=True) as stream:
        for frame in stream:
            print(f"frame {frame.index}: {1000 * frame.latency:.0f} ms", end="\r")
    counts = stream.counts
    print(f"captured {counts.captured}, restored {counts.restored}, dropped {counts.dropped}")


if __name__ == "__main__":
    main()
