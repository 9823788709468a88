"""Content kept: is the picture still there at the end of a camera move, or has it dissolved?"""

from __future__ import annotations

import numpy as np

from reelops.errors import VideoError
from reelops.metrics.camera.camera_move import measure_camera, warp_to_last
from reelops.metrics.camera_motion import CameraMotion
from reelops.metrics.metric import Metric
from reelops.metrics.reference.psnr import HIGHEST_DB, psnr
from reelops.metrics.tracker import CameraFollower, Measure
from reelops.metrics.view import Step, View

# With less of the picture than this in the last frame there is too little to judge.
SMALLEST_SHARE = 0.05


CONTENT_KEPT = Metric(
    name="content_kept",
    title="Last frame against picture",
    unit="dB",
    direction="higher is better",
    section="Against the picture",
    description="PSNR of the last frame against the picture moved as the camera was measured to move, over the part "
    "both show",
    blind_to="clips in which people move, as they should, lose by it",
    high=HIGHEST_DB,
    below="The picture dissolves on the way.",
    track=lambda setup: ContentKept(setup.picture_HWC, setup.camera),
)


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


class ContentKept:
    """Compares the last frame with the picture, where one was given, moved as the camera was measured to move."""

    def __init__(self, picture_HWC: np.ndarray | None, camera: CameraFollower) -> None:
        self._picture_HWC, self._camera = picture_HWC, camera
        self._last_HWC = np.empty(0)

    def see(self, view: View, _: Step | None, /) -> None:
        self._last_HWC = view.frame_HWC

    def measures(self) -> dict[str, Measure]:
        return {"content_kept": self._measure()}

    def _measure(self) -> Measure:
        how = "RGB at the clip's size, the picture moved as the camera was measured to move"
        if self._picture_HWC is None:
            return Measure(None, how, "no picture was given", applies=False)
        if not self._camera.motion.trusted:
            return Measure(None, how, self._camera.motion.why_untrusted)
        value = content_kept_in(self._last_HWC, self._picture_HWC, self._camera.motion)
        if value is None:
            return Measure(None, how, f"the last frame shows less than {SMALLEST_SHARE:.0%} of it")
        return Measure(value, how)
