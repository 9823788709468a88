"""Which camera move a clip shows, and how far it goes.

Between neighbouring frames a similarity transform (scale, rotation, shift) is fitted to dense DIS flow by iteratively
reweighted least squares: textured pixels weigh more, and pixels that move on their own weigh nothing. The steps are
composed over the clip. Small errors add up along the way, so every few frames, and at the end from the first frame to
the last, the composed transform is checked directly: the later picture is brought back by it, and what motion is left
is fitted and added, where the two pictures still resemble each other.

What it cannot see: a move over a picture without texture (a blank wall), and whether the camera or all of the scenery
moved. Where most of the picture moves on its own it follows the larger part.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from reelops.camera.moves import PAN_SHARE, TILT_SHARE, ZOOM_RATIO, CameraMove
from reelops.errors import VideoError
from reelops.metrics.camera.own_motion import own_motion
from reelops.metrics.camera_motion import CameraMotion
from reelops.optical_flow.contract import FlowEngine
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.working_size import STATED_ROWS, WORKING_ROWS, at_rows, luma

# A slow move goes 0.55 of the normal extent; what goes less than this share of it is nobody's move.
STATIC_BELOW = 0.25

_GRID_STEP = 4
_LEAST_ABSOLUTE_ROUNDS = 6
_BIWEIGHT_ROUNDS = 8
_MARGIN_SHARE = 0.04
# Far beyond any scene, and its cube is a number still.
_MOST_ZOOM = 1e100
_KEY_FRAMES = 8
_KEY_SHIFT_SHARE = 0.04


@dataclass(frozen=True)
class Fit:
    """A similarity fitted to flow.

    Attributes:
        matrix: 3x3 about the picture's centre.
        residual: median distance of the flow from it, in pixels.
        coverage: share of the texture that follows it.
        own_motion: see `reelops.metrics.camera.own_motion`.
    """

    matrix: np.ndarray
    residual: float
    coverage: float
    own_motion: float


def texture(gray_HW: np.ndarray) -> np.ndarray:
    """How well a pixel's motion can be measured: the smaller eigenvalue's root of the local structure tensor."""
    eigen: np.ndarray = cv2.cornerMinEigenVal(gray_HW, blockSize=7, ksize=3)
    root: np.ndarray = np.sqrt(np.maximum(eigen, 0.0))
    return root


def fit_similarity(flow_HW2: np.ndarray, texture_HW: np.ndarray) -> Fit:
    """Robust least squares of x' = s R x + t on flow, x from the picture's centre.

    Four unknowns, linear in (s cos - 1, s sin, tx, ty); Tukey's biweight with a scale from the median absolute
    residual, started from least absolute deviations.
    """
    height, width = texture_HW.shape
    margin = max(2, round(_MARGIN_SHARE * height))
    pick = (slice(margin, height - margin, _GRID_STEP), slice(margin, width - margin, _GRID_STEP))
    rows, columns = np.mgrid[pick]
    x = columns.ravel() - (width - 1) / 2
    y = rows.ravel() - (height - 1) / 2
    u, v = flow_HW2[pick].reshape(-1, 2).astype(np.float64).T
    # Strong edges must not outvote everything else: beyond the median, more texture weighs no more.
    weight = texture_HW[pick].ravel().astype(np.float64)
    weight = np.minimum(weight, max(float(np.median(weight)), 1e-6)) + 1e-9

    trust = np.ones_like(x)
    similarity = _Similarity(0.0, 0.0, 0.0, 0.0)
    distance = np.hypot(u, v)
    for iteration in range(_LEAST_ABSOLUTE_ROUNDS + _BIWEIGHT_ROUNDS):
        before, similarity = similarity, _least_squares(x, y, u, v, weight * trust)
        distance = np.hypot(*similarity.off(x, y, u, v))
        if iteration < _LEAST_ABSOLUTE_ROUNDS:
            trust = 1 / (distance + 0.05)
            continue
        if similarity.is_near(before, height):
            break
        scale = max(1.4826 * _weighted_quantile(distance, weight, 0.5), 0.03)
        trust = np.maximum(0.0, 1 - (distance / (4 * scale)) ** 2) ** 2 + 1e-12
    length = np.hypot(*similarity.off(x, y, np.zeros_like(u), np.zeros_like(v)))
    follows = distance < 0.4 + 0.15 * length
    return Fit(
        matrix=similarity.matrix,
        residual=_weighted_quantile(distance, weight, 0.5),
        coverage=float(weight[follows].sum() / weight.sum()),
        own_motion=own_motion(
            _weighted_quantile(distance, weight, 0.95) * STATED_ROWS / height,
            float(length.mean()) * STATED_ROWS / height,
        ),
    )


@dataclass(frozen=True)
class _Similarity:
    """The flow u = a x - b y + tx, v = b x + a y + ty."""

    a: float
    b: float
    tx: float
    ty: float

    @property
    def matrix(self) -> np.ndarray:
        return np.array([[1 + self.a, -self.b, self.tx], [self.b, 1 + self.a, self.ty], [0.0, 0.0, 1.0]])

    def off(self, x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far a flow is from it."""
        return u - (self.a * x - self.b * y + self.tx), v - (self.b * x + self.a * y + self.ty)

    def is_near(self, other: _Similarity, height: int) -> bool:
        """Whether the two move nothing in a picture of that height apart by more than a thousandth of a pixel."""
        turned = (abs(self.a - other.a) + abs(self.b - other.b)) * height
        return turned + abs(self.tx - other.tx) + abs(self.ty - other.ty) < 1e-3


def _least_squares(x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray, w: np.ndarray) -> _Similarity:
    """The similarity that minimises the weighted squared distance to a flow: its normal equations, solved by hand.

    Plain sums and no matrix products: BLAS adds up differently with another number of threads.
    """
    total = w.sum() + 1e-9
    mean_x, mean_y, mean_u, mean_v = ((w * one).sum() / total for one in (x, y, u, v))
    x, y, u, v = x - mean_x, y - mean_y, u - mean_u, v - mean_v
    spread = (w * (x * x + y * y)).sum() + 1e-9
    a, b = (w * (x * u + y * v)).sum() / spread, (w * (x * v - y * u)).sum() / spread
    return _Similarity(
        float(a), float(b), float(mean_u - a * mean_x + b * mean_y), float(mean_v - b * mean_x - a * mean_y)
    )


def _weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] * share)])


def _centred_to_pixels(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """A 3x3 about the centre as a 3x3 on pixel coordinates."""
    to_centre = np.array([[1.0, 0.0, -(width - 1) / 2], [0.0, 1.0, -(height - 1) / 2], [0.0, 0.0, 1.0]])
    pixels: np.ndarray = np.linalg.inv(to_centre) @ matrix @ to_centre
    return pixels


class CameraTracker:
    """Follows the camera through frames that arrive one by one; memory does not grow with the clip but for two floats
    a frame."""

    def __init__(self, engine: FlowEngine | None = None) -> None:
        self._engine = engine or Dis()
        self._first: np.ndarray | None = None
        self._key: np.ndarray | None = None
        self._last: np.ndarray | None = None
        self._to_key = np.eye(3)
        self._from_key = np.eye(3)
        self._since_key = 0
        self._followed = True
        self._residuals: list[float] = []
        self._coverages: list[float] = []
        self._own_motions: list[float] = []

    def see(self, gray_HW: np.ndarray, flow_HW2: np.ndarray | None) -> None:
        """Takes the next frame's luma at working size, and the flow to it from the frame before (None: the first)."""
        if flow_HW2 is None or self._last is None:
            self._first = self._key = self._last = gray_HW
            return
        fit = fit_similarity(flow_HW2, texture(self._last))
        self._residuals.append(fit.residual * STATED_ROWS / gray_HW.shape[0])
        self._coverages.append(fit.coverage)
        self._own_motions.append(fit.own_motion)
        self._from_key = fit.matrix @ self._from_key
        self._last = gray_HW
        self._since_key += 1
        if not _is_within_numbers(self._from_key @ self._to_key):
            self._followed = False
            self._to_key = self._from_key = np.eye(3)
        if self._since_key >= _KEY_FRAMES or _shift_share(self._from_key, gray_HW.shape[1]) > _KEY_SHIFT_SHARE:
            self._set_key()

    def motion(self, clip_height: int, clip_width: int) -> CameraMotion:
        """What the camera did so far, for a clip of this size.

        Raises:
            VideoError: fewer than two frames were seen.
        """
        if self._first is None or self._last is None or not self._coverages:
            raise VideoError("A camera move needs at least two frames; this clip has fewer. Give a longer clip.")
        self._set_key()
        total = self._refined(self._first, self._last, self._to_key)
        # A similarity about the centre keeps its scale and rotation at any size; its shift scales with the picture.
        ratio = clip_height / self._first.shape[0]
        total = total.copy()
        total[:2, 2] *= ratio
        return _describe(
            total,
            clip_height,
            clip_width,
            residual=float(np.median(self._residuals)),
            coverage=float(np.mean(self._coverages)),
            own_motion=float(np.median(self._own_motions)),
            followed=self._followed,
        )

    def _set_key(self) -> None:
        if self._since_key > 1 and self._key is not None and self._last is not None:
            self._from_key = self._refined(self._key, self._last, self._from_key)
        self._to_key = self._from_key @ self._to_key
        self._from_key = np.eye(3)
        self._since_key = 0
        self._key = self._last

    def _refined(self, start_HW: np.ndarray, end_HW: np.ndarray, guess: np.ndarray) -> np.ndarray:
        """The guess corrected by what motion it leaves; the guess itself where nothing can be measured."""
        height, width = start_HW.shape
        back = cv2.warpAffine(
            end_HW,
            _centred_to_pixels(guess, height, width)[:2],
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        inside = cv2.warpAffine(
            np.full_like(end_HW, 255),
            _centred_to_pixels(guess, height, width)[:2],
            (width, height),
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        )
        both = cv2.erode(inside, np.ones((9, 9), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
        if both.mean() < 0.25:
            return guess
        left = fit_similarity(self._engine.flow(start_HW, back), texture(start_HW) * both)
        if left.coverage < 0.6 or not _is_small(left.matrix, width):
            return guess
        refined: np.ndarray = guess @ left.matrix
        return refined


def _is_within_numbers(matrix: np.ndarray) -> bool:
    """Whether a motion's magnification, its square and its inverse are numbers, with room to spare."""
    return 1 / _MOST_ZOOM < math.hypot(matrix[0, 0], matrix[1, 0]) < _MOST_ZOOM


def _is_small(matrix: np.ndarray, width: int) -> bool:
    scale = float(np.linalg.det(matrix))
    return bool(np.hypot(*matrix[:2, 2]) < 0.02 * width) and scale > 0 and abs(math.log(scale)) < 0.08


def _shift_share(matrix: np.ndarray, width: int) -> float:
    """How far a motion moves things, as a share of the width: its shift, and half its zoom at half the width away."""
    return float(np.hypot(*matrix[:2, 2])) / width + abs(math.log(np.linalg.det(matrix))) / 4


def _describe(
    total: np.ndarray,
    height: int,
    width: int,
    *,
    residual: float,
    coverage: float,
    own_motion: float,
    followed: bool,
) -> CameraMotion:
    zoom = math.sqrt(np.linalg.det(total[:2, :2]))
    # The point of the first frame that ends in the middle of the last one: there the camera went.
    goes_to = np.linalg.inv(total)[:2, 2]
    shift_x, shift_y = float(goes_to[0]) / width, float(goes_to[1]) / height
    move, extent = classify(zoom, shift_x, shift_y)
    return CameraMotion(
        matrix=_centred_to_pixels(total, height, width)[:2],
        zoom=zoom,
        shift_x=shift_x,
        shift_y=shift_y,
        rotation_degrees=math.degrees(math.atan2(total[1, 0], total[0, 0])),
        move=move,
        extent=extent,
        residual=residual,
        coverage=coverage,
        own_motion=own_motion,
        followed=followed,
    )


def classify(zoom: float, shift_x: float, shift_y: float) -> tuple[CameraMove, float]:
    """The move that goes furthest, each measured by its normal extent, and how far; static below a quarter."""
    extents = {
        CameraMove.ZOOM_IN: math.log(zoom) / math.log(ZOOM_RATIO),
        CameraMove.PAN_RIGHT: shift_x / PAN_SHARE,
        CameraMove.TILT_DOWN: shift_y / TILT_SHARE,
    }
    opposite = {
        CameraMove.ZOOM_IN: CameraMove.ZOOM_OUT,
        CameraMove.PAN_RIGHT: CameraMove.PAN_LEFT,
        CameraMove.TILT_DOWN: CameraMove.TILT_UP,
    }
    move = max(extents, key=lambda candidate: abs(extents[candidate]))
    extent = extents[move]
    if abs(extent) < STATIC_BELOW:
        return CameraMove.STATIC, abs(extent)
    return (move if extent > 0 else opposite[move]), abs(extent)


def measure_camera(frames_THWC: Iterable[np.ndarray]) -> CameraMotion:
    """The camera's move over a clip of RGB uint8 frames, at least two of them.

    Raises:
        VideoError: fewer than two frames.
    """
    engine = Dis()
    tracker = CameraTracker(engine)
    previous: np.ndarray | None = None
    height = width = 0
    for frame in frames_THWC:
        height, width = frame.shape[:2]
        gray = at_rows(luma(frame), WORKING_ROWS)
        tracker.see(gray, None if previous is None else engine.flow(previous, gray))
        previous = gray
    return tracker.motion(height, width)


def warp_to_last(picture_HWC: np.ndarray, motion: CameraMotion) -> tuple[np.ndarray, np.ndarray]:
    """The picture as the last frame should show it.

    Args:
        picture_HWC: RGB uint8 at the clip's size, as the first frame shows it.
        motion: measured on the clip.

    Returns:
        the warped picture (H, W, 3) uint8, and where it is known (H, W) bool: what came from outside is not.
    """
    height, width = picture_HWC.shape[:2]
    warped: np.ndarray = cv2.warpAffine(picture_HWC, motion.matrix, (width, height), flags=cv2.INTER_CUBIC)
    known = cv2.warpAffine(np.full((height, width), 255, np.uint8), motion.matrix, (width, height))
    return warped, known == 255
