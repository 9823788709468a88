"""The picture's detail in a clip that is smaller than its picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from reelops.camera.moves import CameraMove, film, path_of
from reelops.detail.carry import carry_detail
from reelops.errors import VideoError
from reelops.metrics.reference.psnr import psnr
from reelops.video.picture import read_pixels

MACAWS = Path(__file__).parents[3] / "data/media/image/kodim23.png"
SIZE = (480, 320)
SMALL = (160, 107)


def filmed(move: CameraMove, frames: int = 5) -> np.ndarray:
    """True frames of a move that crosses less than the middle of the macaws."""
    times = np.linspace(0, 0.4, frames)
    return film(read_pixels(MACAWS), (144.0, 96.0, 480.0, 320.0), path_of(move), SIZE, times)


def reduced(frame_HWC: np.ndarray) -> np.ndarray:
    return cv2.resize(frame_HWC, SMALL, interpolation=cv2.INTER_AREA)


def test_a_filmed_picture_is_rebuilt_nearer_to_the_truth_than_bicubic():
    truth = filmed(CameraMove.PAN_RIGHT)
    found = list(carry_detail((reduced(frame) for frame in truth), truth[0], SIZE))
    enlarged = cv2.resize(reduced(truth[-1]), SIZE, interpolation=cv2.INTER_CUBIC)
    inside = (slice(20, -20), slice(20, -100))
    assert psnr(found[-1].frame_HWC[inside], truth[-1][inside]) > psnr(enlarged[inside], truth[-1][inside]) + 1.5
    assert found[0].share > 0.35


def test_frames_of_two_sizes_are_refused():
    frame = np.zeros((32, 48, 3), np.uint8)
    with pytest.raises(VideoError, match="A frame is 24x32 in a clip of 48x32"):
        list(carry_detail([frame, frame[:, :24]], np.zeros((64, 96, 3), np.uint8), (96, 64)))


@pytest.mark.parametrize(
    ("small", "size", "reason"),
    [
        ((48, 32), (40, 32), "larger than the 40x32"),
        ((48, 32), (192, 128), "has no detail"),
        ((12, 8), (24, 16), "16 pixels"),
    ],
)
def test_sizes_that_cannot_be_made_are_refused(small, size, reason):
    frame = np.zeros((small[1], small[0], 3), np.uint8)
    with pytest.raises(VideoError, match=reason):
        list(carry_detail([frame], np.zeros((64, 96, 3), np.uint8), size))
