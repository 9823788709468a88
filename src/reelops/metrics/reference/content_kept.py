"""Content kept: is the picture still there at the end of a camera move, or has it dissolved?"""

from __future__ import annotations

import numpy as np

from reelops.errors import VideoError
from reelops.metrics.camera.camera_move import CameraMotion, measure_camera, warp_to_last
from reelops.metrics.reference.psnr import psnr
from reelops.metrics.scores import Measure

# With less of the picture than this in the last frame there is too little to judge.
SMALLEST_SHARE = 0.05


def content_kept_in(last_HWC: np.ndarray, picture_HWC: np.ndarray, motion: CameraMotion) -> float | None:
    """PSNR in dB of the last frame against the picture moved as the camera moved, over the part both show.

    Args:
        last_HWC, picture_HWC: RGB uint8 at the clip's size.
        motion: the clip's measured camera motion.

    Returns:
        Higher is better; None where the last frame shows less than 5% of the picture. It speaks of clips where only
        the camera moves: people who walk, as they should, count as content lost.
    """
    warped, known = warp_to_last(picture_HWC, motion)
    if known.mean() < SMALLEST_SHARE:
        return None
    return psnr(last_HWC, warped, known)


def content_kept(frames_THWC: np.ndarray, picture_HWC: np.ndarray) -> float:
    """`content_kept_in` with the camera measured on the frames (T, H, W, 3) uint8.

    Raises:
        VideoError: fewer than two frames, or the last frame shows nothing of the picture.
    """
    kept = content_kept_in(frames_THWC[-1], picture_HWC, measure_camera(frames_THWC))
    if kept is None:
        raise VideoError(
            f"The last frame shows less than {SMALLEST_SHARE:.0%} of the picture, so nothing can be compared. "
            "Use a shorter clip or a smaller camera move."
        )
    return kept


def content_kept_measure(last_HWC: np.ndarray, picture_HWC: np.ndarray | None, motion: CameraMotion) -> Measure:
    """`content_kept_in` as a measure, or why there is none."""
    how = "RGB at the clip's size, the picture moved as the camera was measured to move"
    if picture_HWC is None:
        return Measure(None, how, "no picture was given", applies=False)
    if not motion.trusted:
        return Measure(None, how, motion.why_untrusted)
    value = content_kept_in(last_HWC, picture_HWC, motion)
    return Measure(value, how, f"the last frame shows less than {SMALLEST_SHARE:.0%} of it" if value is None else None)
