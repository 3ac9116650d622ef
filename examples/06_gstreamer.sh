#!/usr/bin/env bash
# A GStreamer line. In the place of fakesink, autovideosink shows it.
# Needs Debian's gstreamer1.0-tools, gstreamer1.0-plugins-base, python3-gi, python3-gst-1.0,
# gir1.2-gst-plugins-base-1.0 and gstreamer1.0-python3-plugin-loader.
set -euo pipefail
mkdir -p demo
"${PYTHON:-python3}" - << 'PYTHON'
import cv2
import numpy as np

mask = np.zeros((240, 320), np.uint8)
mask[160:200, 20:120] = 255
cv2.imwrite("demo/mask.png", mask)
PYTHON
settings=$("${PYTHON:-python3}" -m inpaint_sdk gstreamer)
eval "$settings"
gst-launch-1.0 -q videotestsrc num-buffers=30 ! videoconvert ! \
    inpaintrestore model=photo mask=demo/mask.png ! videoconvert ! "${SINK:-fakesink}"
echo "30 frames went through inpaintrestore"
