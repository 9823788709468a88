"""The motion of the picture as a whole, which a soft clip shows more surely than that of its parts."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.optical_flow.warp import along, targets

_EVERY = 4  # pixels between the vectors that the fit looks at
_ROUNDS = 8
# In pixels of the clip: vectors nearer than this to the fit agree with it, and parts that leave it by more than the
# second pair go their own way, fully so from its end on.
_AGREES = 1.5
_OWN_WAY = (2.0, 5.0)
# Share of what the fit leaves unexplained that their own way leaves: plainly better, and no better.
_BETTER = (0.2, 0.5)
_ENOUGH = (0.4, 0.6)  # share of vectors that must agree before the fit counts at all, and counts in full
_TEXTURE = 30.0  # squared gradient, in grey levels per pixel, at which a vector counts half
_SPREAD = 5.0
_LIGHT = 20.0  # light that changes over so many pixels explains nothing
_NOISE = 4.0  # squared grey levels


def steadied(flow_HW2: np.ndarray, apart_HW: np.ndarray, gray_HW: np.ndarray, picture_HW: np.ndarray) -> np.ndarray:
    """The flow, brought to the affine motion that most of it agrees with, but for parts that plainly go their own way.

    Args:
        flow_HW2: in pixels of the pictures.
        apart_HW: how far from home the way there and back ends, in pixels.
        gray_HW, picture_HW: the frame and the picture that the flow was found in, blurred, uint8.
    """
    belief_HW = _belief(flow_HW2, apart_HW, gray_HW)
    fit_HW2, agreeing = affine_fit(flow_HW2, belief_HW)
    counts = ramp(agreeing, *_ENOUGH)
    if counts == 0:
        return flow_HW2
    rest_HW2 = (flow_HW2 - fit_HW2) * belief_HW[..., None]
    spread_HW2 = blurred(rest_HW2, _SPREAD) / (blurred(belief_HW, _SPREAD)[..., None] + 0.01)
    length_HW = cv2.magnitude(spread_HW2[..., 0], spread_HW2[..., 1])
    explained = _unexplained(gray_HW, picture_HW, fit_HW2 + spread_HW2) / (
        _unexplained(gray_HW, picture_HW, fit_HW2) + _NOISE
    )
    own_HW = blurred(ramp(length_HW, *_OWN_WAY) * (1 - ramp(explained, *_BETTER)), _SPREAD)
    own_HW2 = fit_HW2 + spread_HW2 * own_HW[..., None]
    steady: np.ndarray = (flow_HW2 + np.float32(counts) * (own_HW2 - flow_HW2)).astype(np.float32)
    return steady


def _unexplained(gray_HW: np.ndarray, picture_HW: np.ndarray, flow_HW2: np.ndarray) -> np.ndarray:
    """Squared grey levels, around each pixel, that are left when the picture is brought onto the frame."""
    off = along(picture_HW, flow_HW2).astype(np.float32) - gray_HW
    left: np.ndarray = blurred((off - blurred(off, _LIGHT)) ** 2, _SPREAD)
    return left


def affine_fit(flow_HW2: np.ndarray, belief_HW: np.ndarray) -> tuple[np.ndarray, float]:
    """The affine motion that most vectors agree with, as a flow, and the share of belief that agrees with it.

    Least squares, reweighted by Tukey's biweight whose reach shrinks round by round.
    """
    height, width = flow_HW2.shape[:2]
    rows, columns = np.mgrid[_EVERY // 2 : height : _EVERY, _EVERY // 2 : width : _EVERY]
    vectors, belief = flow_HW2[rows, columns].reshape(-1, 2).astype(np.float64), belief_HW[rows, columns].ravel()
    if belief.sum() < 1e-3:
        return np.zeros_like(flow_HW2), 0.0
    terms = np.stack(
        [np.ones(rows.size), (columns.ravel() - width / 2) / width, (rows.ravel() - height / 2) / width], 1
    )
    motion = np.zeros((3, 2))
    motion[0] = np.median(vectors[belief >= np.median(belief)], axis=0)
    reach = 8.0
    for _ in range(_ROUNDS):
        off = np.linalg.norm(vectors - terms @ motion, axis=1)
        weighted = terms * (belief * np.clip(1 - (off / (3 * reach)) ** 2, 0, 1) ** 2)[:, None]
        motion = np.linalg.solve(weighted.T @ terms + 1e-3 * np.eye(3), weighted.T @ vectors)
        reach = max(1.0, reach * 0.6)
    off = np.linalg.norm(vectors - terms @ motion, axis=1)
    agreeing = float(belief[off < _AGREES].sum() / belief.sum())
    x = ((np.arange(width) - width / 2) / width)[None, :, None]
    y = ((np.arange(height) - height / 2) / width)[:, None, None]
    return (motion[0] + x * motion[1] + y * motion[2]).astype(np.float32), agreeing


def _belief(flow_HW2: np.ndarray, apart_HW: np.ndarray, gray_HW: np.ndarray) -> np.ndarray:
    gray = gray_HW.astype(np.float32)
    squared = blurred(cv2.Sobel(gray, -1, 1, 0) ** 2 + cv2.Sobel(gray, -1, 0, 1) ** 2, 2.0)
    belief: np.ndarray = squared / (squared + np.float32(_TEXTURE)) * (apart_HW < 3) * targets(flow_HW2)[2]
    return belief


def blurred(values: np.ndarray, spread: float) -> np.ndarray:
    """Averaged by a Gaussian of that standard deviation in pixels; float32."""
    result: np.ndarray = cv2.GaussianBlur(values, (0, 0), spread, borderType=cv2.BORDER_REFLECT_101)
    return result


def ramp(value: np.ndarray | float, begin: float, end: float) -> np.ndarray:
    """0 up to `begin`, 1 from `end` on, and a smooth step between."""
    step = np.clip((np.asarray(value, np.float32) - begin) / (end - begin), 0, 1).astype(np.float32)
    smooth: np.ndarray = step * step * (3 - 2 * step)
    return smooth
