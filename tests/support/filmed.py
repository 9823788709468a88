"""A real picture, and clips filmed over it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from real_media import media

from reelops.camera.moves import CameraMove, CameraPath, CameraSpeed, film, path_of
from reelops.gate.faults.catalogue import FAMILIES
from reelops.metrics.tracker import Measure, Tracker
from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import Dis
from reelops.video.decode import read_clip, read_frames


def _film_over(picture_HWC: np.ndarray, path: CameraPath, num_frames: int = 49) -> np.ndarray:
    """A 240x160 clip that starts in the middle of the picture."""
    height, width = picture_HWC.shape[:2]
    box_width = min(width, height * 1.5) * 0.7
    box_height = box_width / 1.5
    box = ((width - box_width) / 2, (height - box_height) / 2, box_width, box_height)
    return film(picture_HWC, box, path, (240, 160), np.linspace(0, 1, num_frames))


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A photograph of caps on a wall, RGB uint8."""
    return np.asarray(Image.open(media("kodim03.png")).convert("RGB"))


@pytest.fixture(scope="session")
def film_over() -> Callable[..., np.ndarray]:
    """Films a path over a picture: a 240x160 clip that starts in the middle of it."""
    return _film_over


@pytest.fixture(scope="session")
def filmed(photo: np.ndarray) -> Callable[..., np.ndarray]:
    """Films a move over the photograph."""

    def film_move(move: CameraMove, speed: CameraSpeed = CameraSpeed.NORMAL, num_frames: int = 49) -> np.ndarray:
        return _film_over(photo, path_of(move, speed), num_frames)

    return film_move


def measures_of(tracker: Tracker, frames_THWC: Iterable[np.ndarray]) -> dict[str, Measure]:
    """What a tracker says of a clip that it was shown."""
    engine, before = Dis(), None
    for frame in frames_THWC:
        view = View(frame)
        tracker.see(view, None if before is None else Step(before, view, engine))
        before = view
    return tracker.measures()


@pytest.fixture(scope="session")
def track() -> Callable[[Tracker, Iterable[np.ndarray]], dict[str, Measure]]:
    """Shows frames to one tracker, and tells its measures."""
    return measures_of


def spoilt(frames_THWC: np.ndarray, fault: str, strength: int) -> np.ndarray:
    """The clip with a fault of the gate's catalogue, at one of its three strengths, from 0."""
    (found,) = (one for faults in FAMILIES.values() for one in faults if one.name == fault)
    return found.make(frames_THWC, found.strengths[strength], np.random.default_rng(0))


@pytest.fixture(scope="session")
def kitten() -> np.ndarray:
    """A real clip of a kitten that turns its head: 49 frames of 240x160 at 8 a second."""
    return read_clip(media("cogvideo-example-kitten.mp4"), size=(240, 160))


@pytest.fixture(scope="session")
def walk() -> np.ndarray:
    """A real clip of a person who walks and signs before a fixed camera: 17 frames of 213x160 at 8 a second."""
    frames = read_frames(media("intel-asl-walk.mkv"), size=(213, 160), fps=Fraction(8))
    return np.stack([timed.frame_HWC for timed in itertools.islice(frames, 17)])
