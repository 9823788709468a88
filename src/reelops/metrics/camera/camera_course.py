"""Where the camera went between a clip's first frame and its last, in numbers."""

from __future__ import annotations

import math
from functools import cached_property

from reelops.metrics.camera.camera_move import CameraTracker
from reelops.metrics.camera_motion import CameraMotion
from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import WORKING_ROWS

CAMERA_PAN = Metric(
    name="camera_pan",
    title="Camera to the right",
    unit="widths",
    direction="in between is better",
    section="Camera",
    description="how far the camera went to the right between first and last frame; 0.2 after a normal pan",
    blind_to="a move that is undone",
    low=-math.inf,
)
CAMERA_TILT = Metric(
    name="camera_tilt",
    title="Camera downwards",
    unit="heights",
    direction="in between is better",
    section="Camera",
    description="how far the camera went downwards between first and last frame; 0.2 after a normal tilt",
    blind_to="a move that is undone",
    low=-math.inf,
)
CAMERA_ZOOM = Metric(
    name="camera_zoom",
    title="Magnification",
    unit="times",
    direction="in between is better",
    section="Camera",
    description="magnification of the last frame against the first; 1.3 after a normal zoom in",
    blind_to="a move that is undone",
)
ROLL = Metric(
    name="roll",
    title="Roll of the camera",
    unit="°",
    direction="in between is better",
    section="Camera",
    description="how far the camera has turned about its own axis between first and last frame, either way; below half "
    "a degree for the seven moves",
    blind_to="a roll that is undone, or by whole turns",
    high=180,
)


class Camera:
    """Follows the camera for all metrics that take its motion."""

    def __init__(self) -> None:
        self._tracker = CameraTracker()
        self._size = (0, 0)

    def see(self, view: View, step: Step | None, /) -> None:
        self._size = (view.frame_HWC.shape[0], view.frame_HWC.shape[1])
        self._tracker.see(view.gray_HW, None if step is None else step.flow_HW2)

    @cached_property
    def motion(self) -> CameraMotion:
        """Over the whole clip; asked for once all frames were seen.

        Raises:
            VideoError: fewer than two frames were seen.
        """
        return self._tracker.motion(*self._size)

    def measures(self) -> dict[str, Measure]:
        own = Measure(self.motion.own_motion, f"DIS flow at {WORKING_ROWS} rows")
        return {"own_motion": own, **camera_measures(self.motion)}


def camera_measures(motion: CameraMotion) -> dict[str, Measure]:
    """`camera_pan`, `camera_tilt`, `camera_zoom` and `roll`; none of them where the camera is not known."""
    values = {
        "camera_pan": motion.shift_x,
        "camera_tilt": motion.shift_y,
        "camera_zoom": motion.zoom,
        "roll": abs(motion.rotation_degrees),
    }
    how = f"DIS flow at {WORKING_ROWS} rows"
    if not motion.trusted:
        return {name: Measure(None, how, motion.why_untrusted) for name in values}
    return {name: Measure(value, how) for name, value in values.items()}
