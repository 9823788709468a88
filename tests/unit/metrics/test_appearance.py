"""Appearance tells clips of one scene from clips of another, and nothing of their motion."""

from __future__ import annotations

import numpy as np
import pytest

from reelops.camera.moves import CameraMove
from reelops.metrics.learned.appearance import APPEARANCE_COLUMNS, APPEARANCE_ROWS, Appearance
from reelops.metrics.sets import set_diversity
from reelops.metrics.view import View


def appearance_of(frames_THWC: np.ndarray) -> np.ndarray:
    tracker = Appearance()
    for frame in frames_THWC:
        tracker.see(View(frame), None)
    return np.array(tracker.features()["appearance"])


def test_it_is_the_mean_colour_of_each_part_of_the_picture() -> None:
    frames = np.zeros((2, 160, 240, 3), np.uint8)
    frames[:, :, 120:] = (255, 51, 0)
    frames[1, :40, :40] = 255
    parts = appearance_of(frames).reshape(APPEARANCE_ROWS, APPEARANCE_COLUMNS, 3)
    assert parts[0, 0] == pytest.approx([0, 0, 0]) and parts[3, 2] == pytest.approx([-0.5, -0.5, -0.5])
    assert parts[2, 3] == pytest.approx([0.5, -0.3, -0.5])


def test_clips_of_one_scene_are_alike_and_of_several_are_not(filmed) -> None:
    same = [appearance_of(filmed(move, num_frames=5)) for move in (CameraMove.PAN_LEFT, CameraMove.ZOOM_IN)]
    mirrored = [appearance_of(255 - filmed(move, num_frames=5)) for move in (CameraMove.PAN_LEFT,)]
    assert set_diversity(np.array(same)).value < 0.2
    assert set_diversity(np.array([same[0], *mirrored])).value > 1.5
