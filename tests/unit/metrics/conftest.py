"""A real picture, and clips filmed over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reelops.video.camera import CameraMove, CameraPath, CameraSpeed, film, path_of


def _film_over(picture_HWC: np.ndarray, path: CameraPath, num_frames: int = 49) -> np.ndarray:
    """A 240x160 clip that starts in the middle of the picture."""
    height, width = picture_HWC.shape[:2]
    box_width = min(width, height * 1.5) * 0.7
    box_height = box_width / 1.5
    box = ((width - box_width) / 2, (height - box_height) / 2, box_width, box_height)
    return film(picture_HWC, box, path, (240, 160), np.linspace(0, 1, num_frames))


@pytest.fixture(scope="session")
def photo(shared_data: Path) -> np.ndarray:
    """A photograph of caps on a wall, RGB uint8."""
    return np.asarray(Image.open(shared_data / "image" / "kodim03.png").convert("RGB"))


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
