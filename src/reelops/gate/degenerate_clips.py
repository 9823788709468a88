"""Degenerate clips, made from a good one, that a gate must not let through.

Each is a known way for a generated clip to be worthless while a single number still looks fine: a frozen clip has
perfectly even motion, flicker moves nothing, noise is as busy as a river. In the two pans nothing but the camera moves,
evenly or ever faster. Where a prompt asked for just that, such as "pan right", they are good clips; where none did, a
person should look at what is no more than a photograph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from reelops.camera.moves import CameraPath, film
from reelops.optical_flow.working_size import STATED_ROWS

Degrade = Callable[[np.ndarray, np.random.Generator], np.ndarray]

_NOISE_SIGMA = 12.0
_FLICKER = 0.1
_BOIL_PIXELS = 3.0
_BOIL_GRAIN_PIXELS = 16.0
_BLACK_SHARE = 1 / 12
_STALLED_SHARE = 1 / 3
_JPEG_QUALITY = 4
_PAN_SHARE = 0.25
_PAN_BOX = 0.75


@dataclass(frozen=True)
class Case:
    """One version of a good clip, and whether it is still good.

    Attributes:
        name: in words.
        good: whether the gate may let it through.
        make: from frames (T, H, W, 3) RGB uint8 and a random generator to as many frames of the same size.
    """

    name: str
    good: bool
    make: Degrade


def frozen(frames_THWC: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """The middle frame all along."""
    middle = len(frames_THWC) // 2
    return np.repeat(frames_THWC[middle : middle + 1], len(frames_THWC), axis=0)


def frozen_with_noise(frames_THWC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The middle frame under fresh noise of sigma 12 in each frame."""
    return _each(frozen(frames_THWC, rng), lambda frame: frame + rng.normal(0, _NOISE_SIGMA, frame.shape))


def flickering(frames_THWC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All of the light goes up or down by as much as 10%, by another factor in each frame."""
    return _each(frames_THWC, lambda frame: frame * rng.uniform(1 - _FLICKER, 1 + _FLICKER))


def boiling(frames_THWC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shapes wobble: each frame is bent by smooth displacements of its own, 3 pixels (at 480 rows) on average."""
    height, width = frames_THWC.shape[1:3]
    scale = height / STATED_ROWS
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)

    def bend(frame_HWC: np.ndarray) -> np.ndarray:
        field = rng.normal(size=(height, width, 2)).astype(np.float32)
        field = cv2.GaussianBlur(field, (0, 0), _BOIL_GRAIN_PIXELS * scale)
        field *= _BOIL_PIXELS * scale / np.sqrt((field**2).sum(axis=2).mean())
        bent: np.ndarray = cv2.remap(
            frame_HWC, columns + field[..., 0], rows + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        return bent

    return _each(frames_THWC, bend)


def shuffled(frames_THWC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same frames in random order."""
    return frames_THWC[rng.permutation(len(frames_THWC))]


def stalled(frames_THWC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A third of the frames are dropped, and the one before each is shown again in its place."""
    order = np.arange(len(frames_THWC))
    lost = rng.choice(order[1:], round(_STALLED_SHARE * len(order)), replace=False)
    order[lost] = 0
    return frames_THWC[np.maximum.accumulate(order)]


def cut(frames_THWC: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """From the middle on everything is turned upside down and mirrored."""
    middle = len(frames_THWC) // 2
    return np.concatenate([frames_THWC[:middle], frames_THWC[middle:, ::-1, ::-1]])


def with_black_frames(frames_THWC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A run of black frames, a twelfth of the clip, somewhere inside it."""
    frames = frames_THWC.copy()
    length = max(1, round(_BLACK_SHARE * len(frames)))
    start = rng.integers(1, max(2, len(frames) - length))
    frames[start : start + length] = 0
    return frames


def blocky(frames_THWC: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Each frame as a JPEG of quality 4: little is left of an 8x8 block but its mean."""

    def squeeze(frame_HWC: np.ndarray) -> np.ndarray:
        _, data = cv2.imencode(".jpg", frame_HWC[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        squeezed = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert squeezed is not None
        turned: np.ndarray = squeezed[..., ::-1]
        return turned

    return _each(frames_THWC, squeeze)


def pure_noise(frames_THWC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Nothing but noise."""
    return rng.integers(0, 256, frames_THWC.shape, dtype=np.uint8)


def constant_pan(frames_THWC: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """The camera pans over the middle frame at an even pace."""
    return _pan(frames_THWC, np.linspace(0, 1, len(frames_THWC)))


def accelerating_pan(frames_THWC: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """The same pan, ever faster."""
    return _pan(frames_THWC, np.linspace(0, 1, len(frames_THWC)) ** 2)


def as_it_is(frames_THWC: np.ndarray, _: np.random.Generator) -> np.ndarray:
    return frames_THWC


CASES = (
    Case("as it is", True, as_it_is),
    Case("frozen", False, frozen),
    Case("frozen with noise", False, frozen_with_noise),
    Case("global flicker", False, flickering),
    Case("3 px boiling", False, boiling),
    Case("shuffled", False, shuffled),
    Case("dropped and repeated frames", False, stalled),
    Case("hard cut", False, cut),
    Case("black frames", False, with_black_frames),
    Case("strong blocking", False, blocky),
    Case("pure noise", False, pure_noise),
    Case("constant pan", False, constant_pan),
    Case("accelerating pan", False, accelerating_pan),
)


def _each(frames_THWC: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    changed = np.empty_like(frames_THWC)
    for number, frame in enumerate(frames_THWC):
        changed[number] = np.clip(np.rint(change(frame)), 0, 255)
    return changed


def _pan(frames_THWC: np.ndarray, times: np.ndarray) -> np.ndarray:
    height, width = frames_THWC.shape[1:3]
    box = (0.0, (1 - _PAN_BOX) / 2 * height, _PAN_BOX * width, _PAN_BOX * height)
    path = CameraPath(shift_x=_PAN_SHARE / _PAN_BOX)
    return film(frames_THWC[len(frames_THWC) // 2], box, path, (width, height), times)
