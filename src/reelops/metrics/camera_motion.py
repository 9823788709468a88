"""What a camera did over a clip."""

from __future__ import annotations

from dataclasses import dataclass

from reelops.camera.moves import CameraMove
from reelops.tables.json_codec import Array

# A fitted motion is believed where at least this share of the picture's texture follows it.
TRUSTED_COVERAGE = 0.3


@dataclass(frozen=True)
class CameraMotion:
    """What the camera did between a clip's first and last frame.

    Attributes:
        matrix: 2x3, from pixels of the first frame to pixels of the last, at the clip's own size.
        zoom: magnification at the end (1.3: things appear 1.3 times larger).
        shift_x: camera shift to the right as a share of the frame's width.
        shift_y: camera shift downwards as a share of the frame's height.
        rotation_degrees: how far the picture turned clockwise.
        move: the move that goes furthest by the measure of the seven moves' normal extents.
        extent: how far that is; 1 is a normal move, 0.55 a slow one.
        residual: median distance between flow and fitted motion over the clip, in pixels at 480 rows per frame.
        coverage: share of the picture's texture that follows the fitted motion, mean over the clip, in [0, 1]. Below
            `TRUSTED_COVERAGE` there is no one camera move to speak of.
        own_motion: see `reelops.metrics.camera.own_motion`; of the clip's middle step.
        followed: False where the camera went beyond any number on the way; then there is no move, and all else but
            residual, coverage and own motion says nothing.
    """

    matrix: Array
    zoom: float
    shift_x: float
    shift_y: float
    rotation_degrees: float
    move: CameraMove
    extent: float
    residual: float
    coverage: float
    own_motion: float
    followed: bool = True

    @property
    def trusted(self) -> bool:
        return self.followed and self.coverage >= TRUSTED_COVERAGE

    @property
    def why_untrusted(self) -> str:
        if not self.followed:
            return "the camera went so far in or out that nothing of the first frame is left to tell by"
        return (
            f"only {self.coverage:.0%} of the picture follows one camera motion, and {TRUSTED_COVERAGE:.0%} are needed "
            "to tell"
        )
