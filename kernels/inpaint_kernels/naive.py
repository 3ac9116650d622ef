"""The definition of DirectionalScan, which everything fast is tested against.

For `x` [N, C, H, W], `weight` and `bias` [4, C], and each direction d along its lines:

    h[0] = relu(x[0])
    h[i] = relu(w[d, c] * h[i-1] + (b[d, c] + x[i]))        i > 0

Non-finite values follow IEEE arithmetic, and relu keeps NaN, as `torch.relu` does: after a NaN the
rest of its line is NaN. The three terms may be rounded after each operation or less often.
"""

import numpy as np
import numpy.typing as npt

# In the order of weight's and bias's rows and of the output's channels: the axis that lines run
# along, and whether they run towards index 0.
DIRECTIONS = {"up": (2, True), "right": (3, False), "down": (2, False), "left": (3, True)}


def relu(value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.where(value < 0, np.float32(0), value)  # NaN < 0 is false, so NaN stays


def directional_scan(
    x: npt.NDArray[np.floating],
    weight: npt.NDArray[np.floating],
    bias: npt.NDArray[np.floating],
) -> npt.NDArray[np.floating]:
    """Scan in four directions.

    Args:
        x: [N, C, H, W], any floating dtype.
        weight: [4, C].
        bias: [4, C].

    Returns:
        [N, 4C, H, W], dtype of `x`: the maps up, right, down, left. State is kept in float32, in
        float64 for float64.
    """
    state = np.float64 if x.dtype == np.float64 else np.float32
    maps = []
    for d, (axis, backwards) in enumerate(DIRECTIONS.values()):
        lines = np.moveaxis(x.astype(state), axis, 0)  # [L, N, C, other]
        if backwards:
            lines = lines[::-1]
        w = weight[d].astype(state)[:, None]  # [C, 1]
        b = bias[d].astype(state)[:, None]
        scanned = np.empty_like(lines)
        for i in range(len(lines)):
            scanned[i] = relu(w * scanned[i - 1] + (b + lines[i])) if i else relu(lines[0])
        maps.append(np.moveaxis(scanned[::-1] if backwards else scanned, 0, axis))
    return np.concatenate(maps, axis=1).astype(x.dtype)
