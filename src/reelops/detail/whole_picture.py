"""The motion of the picture as a whole, which a soft clip shows more surely than that of its parts."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.detail.blending import blurred, ramp
from reelops.errors import is_out_of_memory
from reelops.optical_flow.warp import along

_ITERATIONS, _PRECISION = 30, 1e-4
_SMOOTHED = 5  # pixels of ECC's own Gaussian
_SAME = 0.6  # correlation below which it is not the same picture
_STILL = 0.5  # pixels that no corner goes beyond in a first frame that shows the picture as it is

# In pixels: parts that leave the whole by more go their own way, fully so from the second on, where that leaves
# unexplained no more than such a share of what the whole does: plainly better, and no better.
_OWN_WAY = (2.5, 5.0)
_BETTER = (0.2, 0.4)
_SPREAD = 6.0
_LIGHT = 20.0  # light that changes over so many pixels explains nothing
_NOISE = 4.0  # squared grey levels


class WholePicture:
    """Follows the picture as a whole: how it is moved, turned and scaled from frame to frame.

    Args:
        picture_HW: luma, uint8, at the size and with the blur of the frames that follow.
    """

    def __init__(self, picture_HW: np.ndarray) -> None:
        self._picture_HW = picture_HW
        self._matrix: np.ndarray | None = None

    def see(self, gray_HW: np.ndarray) -> np.ndarray | None:
        """From the next frame to the picture, (H, W, 2) float32 in pixels; None where the frame is not of the picture.

        The enhanced correlation coefficient (Evangelidis and Psarakis 2008) is brought to its maximum over affine
        motions from where the last frame was, and the nearest similarity is taken. It does not see changes of light.
        """
        first = self._matrix is None
        guess = np.eye(2, 3, dtype=np.float32) if self._matrix is None else self._matrix
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ITERATIONS, _PRECISION)
        try:
            correlation, matrix = cv2.findTransformECC(
                gray_HW, self._picture_HW, guess.copy(), cv2.MOTION_AFFINE, criteria, None, _SMOOTHED
            )
        except cv2.error as error:  # it does not converge: no such motion
            if is_out_of_memory(error):
                raise
            correlation, matrix = 0.0, guess
        if not correlation > _SAME or not np.isfinite(matrix).all():
            self._matrix = None
            return None
        height, width = gray_HW.shape
        matrix = _similarity(matrix, width, height)
        flow = _flow_of(matrix, width, height)
        if first and float(np.abs(flow[:: height - 1, :: width - 1]).max()) < _STILL:
            matrix, flow = np.eye(2, 3, dtype=np.float32), np.zeros_like(flow)
        self._matrix = matrix
        return flow

    def forget(self) -> None:
        """The next frame is looked for where the first one was."""
        self._matrix = None


def with_own_ways(
    whole_HW2: np.ndarray, flow_HW2: np.ndarray, gray_HW: np.ndarray, picture_HW: np.ndarray
) -> np.ndarray:
    """The motion of the whole, and of parts that plainly go their own way, which the flow tells.

    Args:
        whole_HW2, flow_HW2: from the frame to the picture, in pixels.
        gray_HW, picture_HW: the frame and the picture, luma, uint8.
    """
    rest_HW2 = blurred(flow_HW2 - whole_HW2, _SPREAD)
    far_HW = ramp(cv2.magnitude(rest_HW2[..., 0], rest_HW2[..., 1]), *_OWN_WAY)
    if not far_HW.any():
        return whole_HW2
    left, left_by_whole = (_unexplained(gray_HW, picture_HW, flow) for flow in (whole_HW2 + rest_HW2, whole_HW2))
    own_HW = blurred(far_HW * (1 - ramp(left / (left_by_whole + _NOISE), *_BETTER)), _SPREAD)
    flow: np.ndarray = whole_HW2 + rest_HW2 * own_HW[..., None]
    return flow


def _unexplained(gray_HW: np.ndarray, picture_HW: np.ndarray, flow_HW2: np.ndarray) -> np.ndarray:
    """Squared grey levels, around each pixel, that are left when the picture is brought onto the frame."""
    off = along(picture_HW, flow_HW2).astype(np.float32) - gray_HW
    left: np.ndarray = blurred((off - blurred(off, _LIGHT)) ** 2, _SPREAD)
    return left


def _similarity(matrix: np.ndarray, width: int, height: int) -> np.ndarray:
    """The similarity nearest to an affine map, which takes the centre where that takes it."""
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    there = matrix[:, :2] @ centre + matrix[:, 2]
    along_x, across = (matrix[0, 0] + matrix[1, 1]) / 2, (matrix[1, 0] - matrix[0, 1]) / 2
    turned = np.array([[along_x, -across], [across, along_x]])
    return np.column_stack([turned, there - turned @ centre]).astype(np.float32)


def _flow_of(matrix: np.ndarray, width: int, height: int) -> np.ndarray:
    x, y = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    moved = [row[0] * x + row[1] * y + row[2] for row in matrix]
    return np.stack([moved[0] - x, moved[1] - y], axis=2).astype(np.float32)
