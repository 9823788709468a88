"""Own motion: does anything move but the camera?

A photograph that a camera pans over moves evenly, keeps its light and its sharpness, and passes every other metric. It
is what a prompt such as "pan right" asks for, and no clip of a street.
"""

from __future__ import annotations

from reelops.metrics.metric import Metric

# Pixels at 480 rows: flow that follows the camera is off by up to the first, of a picture at rest by the second.
_ERROR_PIXELS = 0.3
_NOTHING_PIXELS = 0.1


OWN_MOTION = Metric(
    name="own_motion",
    title="Motion that is not the camera's",
    unit="",
    direction="in between is better",
    section="Camera",
    description="how much of a step's motion is not the camera's: the liveliest twentieth of the picture against one "
    "similarity; 1 where the camera stands still, below 0.1 for a camera over a sharp photograph",
    blind_to="what moves in less than a twentieth of the picture; a scene in which nothing could move",
    high=1,
    below="Nothing moves but the camera, and nobody asked for that.",
    track=lambda setup: setup.camera,
)


def own_motion(apart: float, length: float) -> float:
    """How much of a step's motion is not the camera's: (0, 1], 1 where the camera stands still.

    Blind to what moves in less than a twentieth of the picture, and to a scene in which nothing could move: a camera
    that goes through an empty house measures as a photograph does.

    Args:
        apart: how far the liveliest twentieth of the picture goes from where the camera's motion takes it, in pixels at
            480 rows.
        length: how far the camera's motion takes the picture on average, in the same pixels.
    """
    own = max(0.0, apart - _ERROR_PIXELS) + _NOTHING_PIXELS
    return own / (own + length)
