"""Camera moves in words: the many ways to ask for one."""

from __future__ import annotations

import numpy as np

from reelops.camera.moves import CameraMove, CameraSpeed

# Ways to ask for a move; "{slowly}" is where a speed word may stand. The embedded model learns from these, and
# `request` understands them.
PHRASES: dict[CameraMove, tuple[str, ...]] = {
    CameraMove.ZOOM_IN: (
        "{slow} zoom in",
        "the camera {slowly} zooms in",
        "zooming in {slowly}",
        "{slow} push in",
        "the camera {slowly} pushes in",
        "{slow} dolly in",
        "the camera {slowly} moves closer",
    ),
    CameraMove.ZOOM_OUT: (
        "{slow} zoom out",
        "the camera {slowly} zooms out",
        "zooming out {slowly}",
        "{slow} pull back",
        "the camera {slowly} pulls back",
        "{slow} dolly out",
        "the camera {slowly} moves away",
    ),
    CameraMove.PAN_LEFT: (
        "{slow} pan left",
        "the camera {slowly} pans left",
        "panning left {slowly}",
        "{slow} pan to the left",
        "the camera {slowly} pans to the left",
        "the camera {slowly} moves left",
    ),
    CameraMove.PAN_RIGHT: (
        "{slow} pan right",
        "the camera {slowly} pans right",
        "panning right {slowly}",
        "{slow} pan to the right",
        "the camera {slowly} pans to the right",
        "the camera {slowly} moves right",
    ),
    CameraMove.TILT_UP: (
        "{slow} tilt up",
        "the camera {slowly} tilts up",
        "tilting up {slowly}",
        "{slow} tilt upwards",
        "the camera {slowly} tilts upwards",
        "the camera {slowly} moves up",
    ),
    CameraMove.TILT_DOWN: (
        "{slow} tilt down",
        "the camera {slowly} tilts down",
        "tilting down {slowly}",
        "{slow} tilt downwards",
        "the camera {slowly} tilts downwards",
        "the camera {slowly} moves down",
    ),
    CameraMove.STATIC: (
        "static",
        "static shot",
        "static camera",
        "the camera does not move",
        "the camera stays still",
        "locked-off shot",
        "still camera",
    ),
}

# What a prompt that names no move gets: a gentle push in, the press's usual life in a still.
UNNAMED_MOVE = (CameraMove.ZOOM_IN, CameraSpeed.SLOW)

SPEED_WORDS: dict[CameraSpeed, tuple[tuple[str, str], ...]] = {
    CameraSpeed.SLOW: (("slow", "slowly"), ("gentle", "gently"), ("subtle", "subtly")),
    CameraSpeed.NORMAL: (("", ""),),
    CameraSpeed.FAST: (("fast", "fast"), ("quick", "quickly"), ("rapid", "rapidly")),
}


def move_phrase(move: CameraMove, speed: CameraSpeed, rng: np.random.Generator) -> str:
    """One of the ways to ask for a move at a speed."""
    adjective, adverb = SPEED_WORDS[speed][rng.integers(len(SPEED_WORDS[speed]))]
    phrase = PHRASES[move][rng.integers(len(PHRASES[move]))]
    return " ".join(phrase.format(slow=adjective, slowly=adverb).split())
