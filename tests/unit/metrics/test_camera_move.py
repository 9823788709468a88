"""The camera is measured right on clips whose camera path is known by construction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image
from real_media import media

from reelops.camera.moves import PAN_SHARE, TILT_SHARE, ZOOM_RATIO, CameraMove, CameraPath, CameraSpeed, path_of
from reelops.errors import VideoError
from reelops.metrics.camera.camera_course import camera_measures
from reelops.metrics.camera.camera_move import classify, measure_camera, warp_to_last
from reelops.metrics.camera_motion import CameraMotion
from reelops.metrics.reference.content_kept import content_kept

Film = Callable[..., np.ndarray]
TILTED_HORIZON = CameraPath(zoom=1.1, roll_degrees=18.0)
DIAGONAL_DRIFT = CameraPath(shift_x=0.18, shift_y=-0.18)


def errors(motion: CameraMotion, path: CameraPath) -> list[float]:
    """How far zoom, pan and tilt are off, in normal extents."""
    return [
        abs(math.log(motion.zoom / path.zoom)) / math.log(ZOOM_RATIO),
        abs(motion.shift_x - path.shift_x) / PAN_SHARE,
        abs(motion.shift_y - path.shift_y) / TILT_SHARE,
    ]


def noisy(frames: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, frames.shape)
    return np.clip(frames + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("speed", CameraSpeed)
@pytest.mark.parametrize("move", CameraMove)
def test_every_move_is_recognised_and_its_extent_recovered(filmed: Film, move: CameraMove, speed: CameraSpeed) -> None:
    motion = measure_camera(filmed(move, speed, num_frames=17))
    assert motion.move is move
    assert max(errors(motion, path_of(move, speed))) < 0.1 * speed.factor
    assert motion.trusted and abs(motion.rotation_degrees) < 0.5


@pytest.mark.parametrize("path", [TILTED_HORIZON, DIAGONAL_DRIFT])
def test_where_the_camera_went_is_measured_in_numbers(film_over: Film, photo: np.ndarray, path: CameraPath) -> None:
    motion = measure_camera(film_over(photo, path, num_frames=17))
    measures = {name: measure.value for name, measure in camera_measures(motion).items()}
    assert measures["roll"] == pytest.approx(path.roll_degrees, abs=0.3)
    assert measures["camera_zoom"] == pytest.approx(path.zoom, abs=0.01)
    assert measures["camera_pan"] == pytest.approx(path.shift_x, abs=0.01)
    assert measures["camera_tilt"] == pytest.approx(path.shift_y, abs=0.01)
    for unsure in camera_measures(replace(motion, coverage=0.1)).values():
        assert unsure.value is None and "follows one camera motion" in str(unsure.reason)


@pytest.mark.parametrize("name", ["kodim19.png", "kodim23.png", "skimage-camera.png"])
@pytest.mark.parametrize("move", [CameraMove.ZOOM_OUT, CameraMove.PAN_RIGHT, CameraMove.STATIC])
def test_slow_moves_are_recognised_over_other_pictures_through_noise(
    film_over: Film, name: str, move: CameraMove
) -> None:
    with Image.open(media(name)) as image:
        picture = np.asarray(image.convert("RGB"))
    path = path_of(move, CameraSpeed.SLOW)
    motion = measure_camera(noisy(film_over(picture, path, num_frames=49), 5))
    assert motion.move is move
    assert max(errors(motion, path)) < 0.055


def test_extent_survives_a_subject_that_moves_on_its_own(filmed: Film) -> None:
    frames = filmed(CameraMove.PAN_LEFT, num_frames=17).copy()
    face = np.random.default_rng(1).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    for number, frame in enumerate(frames):
        frame[50:110, 20 + 6 * number : 80 + 6 * number] = face
    motion = measure_camera(frames)
    assert motion.move is CameraMove.PAN_LEFT
    assert motion.shift_x == pytest.approx(-PAN_SHARE, rel=0.1)


def test_noise_is_no_camera_move() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (9, 160, 240, 3), dtype=np.uint8)
    assert not measure_camera(frames).trusted


@pytest.mark.parametrize(
    ("zoom", "shift_x", "shift_y", "move"),
    [
        (1.0, 0.0, 0.0, CameraMove.STATIC),
        (1.06, -0.04, 0.04, CameraMove.STATIC),
        (1.15, 0.05, 0.0, CameraMove.ZOOM_IN),
        (0.9, -0.19, 0.0, CameraMove.PAN_LEFT),
        (1.0, 0.1, 0.12, CameraMove.TILT_DOWN),
        (1.0, 0.0, -0.12, CameraMove.TILT_UP),
    ],
)
def test_the_component_that_goes_furthest_names_the_move(
    zoom: float, shift_x: float, shift_y: float, move: CameraMove
) -> None:
    assert classify(zoom, shift_x, shift_y)[0] is move


def test_matrix_is_in_pixels_of_the_clip(photo: np.ndarray, film_over: Film) -> None:
    path = CameraPath(shift_x=0.1, zoom=1.2)
    motion = measure_camera(film_over(photo, path, num_frames=17))
    np.testing.assert_allclose(motion.matrix, path.at(1.0, 240, 160), atol=0.02 * 30)


def test_picture_warped_by_the_motion_is_the_last_frame(filmed: Film) -> None:
    frames = filmed(CameraMove.ZOOM_OUT, num_frames=17)
    warped, known = warp_to_last(frames[0], measure_camera(frames))
    assert 0.4 < known.mean() < 0.7
    assert np.abs(warped.astype(int) - frames[-1])[known].mean() < 6


def test_content_is_kept_by_a_camera_and_lost_by_blobs(filmed: Film) -> None:
    frames = filmed(CameraMove.PAN_RIGHT, num_frames=17)
    dissolving = np.stack([cv2.GaussianBlur(frame, (0, 0), 0.1 + 0.8 * number) for number, frame in enumerate(frames)])
    kept, dissolved = content_kept(frames, frames[0]), content_kept(dissolving, frames[0])
    assert kept > 27
    assert dissolved < kept - 5


def test_content_of_another_picture_is_not_kept(filmed: Film) -> None:
    frames = filmed(CameraMove.PAN_RIGHT, num_frames=9)
    assert content_kept(frames, frames[0][:, ::-1].copy()) < 14


def test_one_frame_has_no_camera_move(photo: np.ndarray) -> None:
    with pytest.raises(VideoError, match="at least two frames"):
        measure_camera([photo])
