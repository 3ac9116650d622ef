"""Distorts a photograph as a poor camera does, for the examples."""

import cv2
import numpy as np


def poorly_shot(picture: np.ndarray) -> np.ndarray:
    """A copy that is slightly out of focus, noisy, and compressed."""
    blurred = cv2.GaussianBlur(picture, (0, 0), 0.8)
    noise = np.random.default_rng(0).normal(0.0, 12.0, picture.shape)
    noisy = np.clip(blurred + noise, 0.0, 255.0).round().astype(np.uint8)
    _, compressed = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 50])
    return cv2.imdecode(compressed, cv2.IMREAD_COLOR)
