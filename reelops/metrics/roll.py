"""Roll: how far does the camera turn about its own axis, as a boat does?"""

from __future__ import annotations

from reelops.metrics.camera_move import CameraMotion
from reelops.metrics.scores import Measure
from reelops.metrics.working_size import WORKING_ROWS


def roll_measure(motion: CameraMotion) -> Measure:
    """Degrees between the first frame and the last, either way, in [0, 180]; none where the camera is not known.

    Below half a degree for the seven camera moves. Blind to a roll that is undone before the end, and to one by whole
    turns.
    """
    how = f"DIS flow at {WORKING_ROWS} rows"
    if not motion.trusted:
        return Measure(None, how, motion.why_untrusted)
    return Measure(abs(motion.rotation_degrees), how)
