"""Remove a logo from a video: audio and timing stay, and nothing flickers where the logo was.

Needs the extra: pip install 'inpaint-sdk[video]'. The video is drawn here.
"""

from pathlib import Path

import av
import cv2
import numpy as np

from inpaint_sdk import Restorer, restore_video

OUTPUT = Path("demo")
SIZE = WIDTH, HEIGHT = 320, 240


def draw_video(path: Path) -> None:
    """Two seconds of a disc that passes behind a logo."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(50):
            frame = np.full((HEIGHT, WIDTH, 3), (90, 120, 60), np.uint8)
            cv2.circle(frame, (6 * index, 60), 25, (200, 60, 40), -1)
            cv2.putText(frame, "LOGO", (220, 40), cv2.FONT_HERSHEY_DUPLEX, 1, (255, 255, 255), 2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    draw_video(OUTPUT / "logo.mp4")
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[12:48, 214:312] = 255
    restorer = Restorer.load("photo")
    report = restore_video(restorer, OUTPUT / "logo.mp4", OUTPUT / "no_logo.mp4", mask=mask)
    print(f"wrote {OUTPUT / 'no_logo.mp4'}, {report.frames} frames")


if __name__ == "__main__":
    main()
