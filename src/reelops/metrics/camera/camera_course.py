"""Where the camera went between a clip's first frame and its last, in numbers."""

from __future__ import annotations

from reelops.metrics.camera.camera_move import CameraMotion
from reelops.metrics.scores import Measure
from reelops.optical_flow.working_size import WORKING_ROWS


def camera_measures(motion: CameraMotion) -> dict[str, Measure]:
    """`camera_pan`, `camera_tilt`, `camera_zoom` and `roll`; none of them where the camera is not known.

    - camera_pan: to the right, as a share of the frame's width; a normal pan goes 0.2.
    - camera_tilt: downwards, as a share of its height; a normal tilt goes 0.2.
    - camera_zoom: magnification at the end, above 0; 1.3 after a normal zoom in.
    - roll: degrees about its own axis, either way, in [0, 180]; below half a degree for the seven camera moves.

    Blind to what is undone before the end, and to rolls by whole turns.
    """
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
