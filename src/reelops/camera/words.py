"""Camera moves in words: what a prompt asks for, and the many ways to ask for it."""

from __future__ import annotations

import re

import numpy as np

from reelops.camera.moves import CameraMove, CameraSpeed

# Ways to ask for a move; "{slowly}" is where a speed word may stand. The embedded model learns from these, and
# `asked_move` understands them.
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

_DIRECTION = {
    CameraMove.ZOOM_IN: r"zoom(s|ing)?[ -]?in|push(es|ing)?[ -]?in|dolly(ing)?[ -]?in|moves? closer|close[- ]?up move",
    CameraMove.ZOOM_OUT: r"zoom(s|ing)?[ -]?out|pull(s|ing)?[ -]?(back|out)|dolly(ing)?[ -]?out|moves? (away|back)",
    CameraMove.PAN_LEFT: r"(pan(s|ning)?|camera \w*\s?moves?) (\w+ ){0,2}?left(wards?)?",
    CameraMove.PAN_RIGHT: r"(pan(s|ning)?|camera \w*\s?moves?) (\w+ ){0,2}?right(wards?)?",
    CameraMove.TILT_UP: r"(tilt(s|ing)?|camera \w*\s?moves?) (\w+ ){0,2}?up(wards?)?",
    CameraMove.TILT_DOWN: r"(tilt(s|ing)?|camera \w*\s?moves?) (\w+ ){0,2}?down(wards?)?",
    CameraMove.STATIC: (
        r"static|locked[- ]off|still camera|camera (does not|doesn't) move|camera stays still|no camera movement"
    ),
}
_PATTERNS = {move: re.compile(rf"\b({pattern})\b", re.IGNORECASE) for move, pattern in _DIRECTION.items()}
_SPEED_PATTERNS = {
    CameraSpeed.SLOW: re.compile(r"\b(slow(ly)?|gent(le|ly)|subt(le|ly))\b", re.IGNORECASE),
    CameraSpeed.FAST: re.compile(r"\b(fast|quick(ly)?|rapid(ly)?)\b", re.IGNORECASE),
}


def move_phrase(move: CameraMove, speed: CameraSpeed, rng: np.random.Generator) -> str:
    """One of the ways to ask for a move at a speed."""
    adjective, adverb = SPEED_WORDS[speed][rng.integers(len(SPEED_WORDS[speed]))]
    phrase = PHRASES[move][rng.integers(len(PHRASES[move]))]
    return " ".join(phrase.format(slow=adjective, slowly=adverb).split())


def asked_move(prompt: str) -> CameraMove | None:
    """The camera move a prompt names; the first one where it names several, None where it names none."""
    found = [(match.start(), move) for move, pattern in _PATTERNS.items() if (match := pattern.search(prompt))]
    return min(found)[1] if found else None


def asked_speed(prompt: str) -> CameraSpeed:
    """The speed a prompt asks for; normal where it says nothing."""
    return next(
        (speed for speed, pattern in _SPEED_PATTERNS.items() if pattern.search(prompt)),
        CameraSpeed.NORMAL,
    )
