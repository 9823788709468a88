"""Where a frame still shows the picture, and how far the picture's detail may be believed there.

A sharp clip tells by itself: in the finest band that it has, it either goes along with the picture or not, and what is
finer still follows that band. A clip that is softer than its picture has nothing in that band to tell by; there the
middle bands say where the picture is still seen, and the picture's bands replace what the clip has lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from reelops.detail.blending import blurred, ramp
from reelops.detail.registration import Registered
from reelops.optical_flow.working_size import luma

# All lengths are in pixels of the clip, energies in squared grey levels.
_FINEST = 1.0  # the finest band is what a blur so wide takes away
_AROUND = 2.5  # and coherence is averaged over so much
_NOISE = 4.0  # rounding and compression, in the finest band
# What is finer than the clip suffers more from a shift: a jitter that leaves coherence r at some frequency leaves r^4
# at twice that frequency.
_FINER = 4
_APART = 1.0  # pixels from home, there and back, from which on nothing is believed

_SECOND = 2.0
_SOFT = (0.70, 0.85)  # coherence of the first frame's finest band with the picture: a soft clip, a sharp one
_LOST = (0.65, 0.85)  # the same of the root of a fine band's energy beside the picture's, in any frame

_MIDDLE = (2.0, 10.0)
_MIDDLE_AROUND = 6.0
_MIDDLE_NOISE = 60.0
_SEEN = (0.4, 0.7)  # coherence of the middle bands from which on the picture is seen, and surely
_LIGHT = 20.0  # light and colour are the clip's from this size on
_ALIKE = (18.0, 36.0)  # grey levels that light may differ by where there is no texture to tell by
_DIFFERENT = (18.0, 36.0)  # grey levels that finer parts may differ by, once the picture is as soft as the frame
_CONTRAST = 30.0  # grey levels of contrast at which they count half
_BLURS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)
_BACK = 0.35  # share of what comes back that does so in a frame
_MARGIN = 7  # around what differs, so that no edge of it is left

_SCENE = (0.25, 0.45)  # coherence of the whole frame below which it is another scene, and above which it is the same


@dataclass(frozen=True)
class Agreement:
    """What a frame takes from the picture, all at the clip's size.

    Attributes:
        base_HWC: the frame, float32; of a soft clip with the picture's bands where the picture is seen.
        gain_HW: how much of the picture's finer detail is believed, float32 in [0, 1].
        seen_HW: of a soft clip, where the picture is still seen, float32 in [0, 1].
    """

    base_HWC: np.ndarray
    gain_HW: np.ndarray
    seen_HW: np.ndarray | None = None


@dataclass(frozen=True)
class _Compared:
    """Two pictures in one band: mean products around each pixel, (H, W) float32."""

    across: np.ndarray
    own: np.ndarray
    other: np.ndarray

    @property
    def energy(self) -> np.ndarray:
        energy: np.ndarray = np.sqrt(self.own * self.other)
        return energy

    def coherence(self, noise: float) -> np.ndarray:
        """In [0, 1], where `noise` speaks against it."""
        coherence: np.ndarray = np.clip(self.across / (self.energy + np.float32(noise)), 0, 1)
        return coherence

    def overall(self, within_HW: np.ndarray) -> float:
        """Coherence of the part within as a whole, in [-1, 1]."""
        across, own, other = (float((part * within_HW).mean()) for part in (self.across, self.own, self.other))
        return across / (math.sqrt(own * other) + 1e-3)


def softness_of_first(first_HWC: np.ndarray, seen_HWC: np.ndarray, inside_HW: np.ndarray) -> float:
    """How much softer than its picture a clip is, from its first frame, RGB uint8, and the picture brought onto it.

    Returns:
        0 for a clip as sharp as its size allows, 1 for a blurred one.
    """
    compared = _compared(_finest(luma(first_HWC)), _finest(luma(seen_HWC)), _AROUND)
    return float(1 - ramp(compared.overall(inside_HW), *_SOFT))


def detail_lost(frame_HWC: np.ndarray, seen_HWC: np.ndarray, inside_HW: np.ndarray) -> float:
    """Whether a frame has less detail than the picture brought onto it: 0 where it has as much, 1 where it is lost."""
    frame_HW, seen_HW = luma(frame_HWC), luma(seen_HWC)
    kept = min(
        math.sqrt(
            float((band(frame_HW) ** 2 * inside_HW).mean()) / float((band(seen_HW) ** 2 * inside_HW).mean() + 1e-3)
        )
        for band in (_finest, _second)
    )
    return float(1 - ramp(kept, *_LOST))


def agreement(
    frame_HWC: np.ndarray,
    seen_HWC: np.ndarray,
    registered: Registered,
    softness: float,
    strength: float = 1.0,
    before_HW: np.ndarray | None = None,
) -> Agreement:
    """What a frame takes from the picture.

    Args:
        frame_HWC: RGB uint8.
        seen_HWC: the picture brought onto the frame, RGB uint8.
        softness: of the clip, in [0, 1].
        strength: how much is taken of what is believed, in [0, 1].
        before_HW: of a soft clip, where the picture was seen in the frame before. What is lost is lost at once, and
            what comes back does so over some frames, lest it blink.
    """
    inside_HW = blurred(cv2.erode(registered.inside_HW, np.ones((3, 3), np.uint8)), 0.8)
    base_HWC, gain_HW = frame_HWC.astype(np.float32), np.zeros(frame_HWC.shape[:2], np.float32)
    if softness < 1:
        gain_HW += np.float32(1 - softness) * _believed(frame_HWC, seen_HWC, registered, inside_HW)
    seen_HW = None
    if softness > 0:
        seen_HW = _still_seen(base_HWC, seen_HWC.astype(np.float32), inside_HW)
        if before_HW is not None:
            seen_HW = np.minimum(seen_HW, before_HW + np.float32(_BACK) * (seen_HW - before_HW))
        seen = np.float32(softness) * seen_HW
        base_HWC += _without_light(seen_HWC.astype(np.float32) - base_HWC, seen) * (
            np.float32(strength) * seen[..., None]
        )
        gain_HW += seen
    return Agreement(base_HWC, gain_HW * np.float32(strength), seen_HW)


def _believed(frame_HWC: np.ndarray, seen_HWC: np.ndarray, registered: Registered, inside_HW: np.ndarray) -> np.ndarray:
    """Of a sharp clip: coherence in its finest band, brought to what is finer."""
    compared = _compared(_finest(luma(frame_HWC)), _finest(luma(seen_HWC)), _AROUND)
    same_scene = ramp(compared.overall(registered.inside_HW), *_SCENE)
    home_HW = blurred(cv2.erode((registered.apart_HW < _APART).astype(np.float32), np.ones((3, 3), np.uint8)), 0.8)
    believed: np.ndarray = compared.coherence(_NOISE) ** _FINER * inside_HW * home_HW * same_scene
    return believed


def _still_seen(frame_HWC: np.ndarray, seen_HWC: np.ndarray, inside_HW: np.ndarray) -> np.ndarray:
    """Of a soft clip: where its middle bands go along with the picture's, or, without texture, its light does."""
    compared = _compared(_middle(frame_HWC), _middle(seen_HWC), _MIDDLE_AROUND)
    same_scene = ramp(compared.overall(inside_HW), *_SCENE)
    textured = compared.energy / (compared.energy + np.float32(_MIDDLE_NOISE))
    light = blurred(np.abs(blurred(seen_HWC - frame_HWC, _MIDDLE_AROUND)).max(axis=2), _MIDDLE_AROUND)
    alike = textured * ramp(compared.coherence(1.0), *_SEEN) + (1 - textured) * (1 - ramp(light, *_ALIKE))
    alike *= 1 - ramp(_difference(frame_HWC, seen_HWC, inside_HW), *_DIFFERENT)
    seen_HW = blurred(cv2.erode(alike, np.ones((_MARGIN, _MARGIN), np.uint8)), 1.5)
    seen: np.ndarray = np.clip(seen_HW * inside_HW * same_scene, 0, 1)
    return seen


def _difference(frame_HWC: np.ndarray, seen_HWC: np.ndarray, inside_HW: np.ndarray) -> np.ndarray:
    """Grey levels that a soft frame differs by, in any channel, from the picture made as soft, but for light.

    Where contrast is high, the slightest shift makes such a difference, so they count less there.
    """
    soft_HWC = _as_soft(seen_HWC, frame_HWC, inside_HW)
    rough_HWC = soft_HWC - blurred(soft_HWC, _MIDDLE_AROUND)
    contrast_HW = np.sqrt(blurred((rough_HWC**2).max(axis=2), _MIDDLE_AROUND))
    off_HWC = blurred(soft_HWC - frame_HWC, 1.5)
    off: np.ndarray = np.abs(off_HWC - blurred(off_HWC, _LIGHT)).max(axis=2) / (1 + contrast_HW / np.float32(_CONTRAST))
    return off


def _as_soft(seen_HWC: np.ndarray, frame_HWC: np.ndarray, inside_HW: np.ndarray) -> np.ndarray:
    """The picture, blurred until its gradients are no steeper than the frame's."""
    seen_HW, frame_HW = (cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) for part in (seen_HWC, frame_HWC))
    steep = _steepness(frame_HW, inside_HW)
    enough = (spread for spread in _BLURS if _steepness(blurred(seen_HW, spread), inside_HW) <= steep)
    return blurred(seen_HWC, next(enough, _BLURS[-1]))


def _steepness(gray_HW: np.ndarray, within_HW: np.ndarray) -> float:
    squared = cv2.Sobel(gray_HW, -1, 1, 0) ** 2 + cv2.Sobel(gray_HW, -1, 0, 1) ** 2
    return float((squared * within_HW).mean())


def _without_light(difference_HWC: np.ndarray, seen_HW: np.ndarray) -> np.ndarray:
    """The difference but for its coarsest part, which is averaged where the picture is seen alone."""
    light = blurred(difference_HWC * seen_HW[..., None], _LIGHT) / (blurred(seen_HW, _LIGHT)[..., None] + 1e-3)
    finer: np.ndarray = difference_HWC - light
    return finer


def _compared(own: np.ndarray, other: np.ndarray, around: float) -> _Compared:
    """Pictures with channels are compared in all of them at once."""
    products = (own * other, own * own, other * other)
    flat = (product.sum(axis=2) if product.ndim == 3 else product for product in products)
    return _Compared(*(blurred(product, around) for product in flat))


def _finest(gray_HW: np.ndarray) -> np.ndarray:
    gray = gray_HW.astype(np.float32)
    finest: np.ndarray = gray - blurred(gray, _FINEST)
    return finest


def _second(gray_HW: np.ndarray) -> np.ndarray:
    gray = gray_HW.astype(np.float32)
    second: np.ndarray = blurred(gray, _FINEST) - blurred(gray, _SECOND)
    return second


def _middle(picture_HWC: np.ndarray) -> np.ndarray:
    middle: np.ndarray = blurred(picture_HWC, _MIDDLE[0]) - blurred(picture_HWC, _MIDDLE[1])
    return middle
