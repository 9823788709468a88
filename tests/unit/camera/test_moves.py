"""Camera moves filmed over a picture."""

from __future__ import annotations

import numpy as np
import pytest

from reelops.camera.filming import film_somewhere
from reelops.camera.moves import PAN_SHARE, ZOOM_RATIO, CameraMove, CameraPath, CameraSpeed, film, path_of

SIZE = (120, 80)


def dot_picture(x: int, y: int) -> np.ndarray:
    """Black, 480x320, with a soft white dot."""
    rows, columns = np.mgrid[:320, :480]
    dot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50)
    return np.repeat(dot[..., None], 3, axis=2).astype(np.uint8)


def centre_of(frame: np.ndarray) -> tuple[float, float]:
    weights = frame[..., 0].astype(float)
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]]
    return float((columns * weights).sum() / weights.sum()), float((rows * weights).sum() / weights.sum())


def filmed(path: CameraPath, x: int, y: int) -> np.ndarray:
    """A 120x80 clip that starts on the middle half of the picture: one clip pixel is two picture pixels."""
    return film(dot_picture(x, y), (120, 80, 240, 160), path, SIZE, np.linspace(0, 1, 5))


def test_the_first_frame_is_the_start_box() -> None:
    column, row = centre_of(filmed(CameraPath(), 200, 140)[0])
    assert (column, row) == pytest.approx(((200 + 0.5 - 120) / 2 - 0.5, (140 + 0.5 - 80) / 2 - 0.5), abs=0.05)


@pytest.mark.parametrize(
    ("move", "direction"),
    [
        (CameraMove.PAN_LEFT, (1, 0)),
        (CameraMove.PAN_RIGHT, (-1, 0)),
        (CameraMove.TILT_UP, (0, 1)),
        (CameraMove.TILT_DOWN, (0, -1)),
    ],
)
def test_the_scenery_goes_the_other_way(move: CameraMove, direction: tuple[int, int]) -> None:
    clip = filmed(path_of(move), 240, 160)
    (x0, y0), (x1, y1) = centre_of(clip[0]), centre_of(clip[-1])
    wanted = np.multiply(direction, (PAN_SHARE * 120, PAN_SHARE * 80))
    assert (x1 - x0, y1 - y0) == pytest.approx(tuple(wanted), abs=0.1)


def test_zooming_in_moves_things_away_from_the_centre_by_the_ratio() -> None:
    clip = filmed(path_of(CameraMove.ZOOM_IN), 300, 160)
    first, last = centre_of(clip[0])[0] - 59.5, centre_of(clip[-1])[0] - 59.5
    assert last / first == pytest.approx(ZOOM_RATIO, rel=0.01)


def test_moves_run_at_an_even_pace() -> None:
    places = [centre_of(frame)[0] for frame in filmed(path_of(CameraMove.PAN_LEFT), 240, 160)]
    assert np.diff(places) == pytest.approx(np.full(4, PAN_SHARE * 120 / 4), abs=0.05)


def test_speeds_are_ordered() -> None:
    reach = [
        path_of(CameraMove.PAN_RIGHT, speed).shift_x
        for speed in (CameraSpeed.SLOW, CameraSpeed.NORMAL, CameraSpeed.FAST)
    ]
    assert reach == sorted(reach)
    assert reach[0] > 0


def test_a_static_camera_films_the_same_frame() -> None:
    clip = filmed(path_of(CameraMove.STATIC), 200, 140)
    assert all(np.array_equal(frame, clip[0]) for frame in clip)


def test_a_roll_turns_the_picture_clockwise_about_its_centre() -> None:
    clip = filmed(CameraPath(roll_degrees=30.0), 340, 160)
    offsets = np.array([centre_of(frame) for frame in clip]) - (59.5, 39.5)
    turned = np.degrees(np.unwrap(np.arctan2(offsets[:, 1], offsets[:, 0])))
    assert turned - turned[0] == pytest.approx([0.0, 7.5, 15.0, 22.5, 30.0], abs=0.1)
    assert np.hypot(*offsets.T) == pytest.approx(np.full(5, np.hypot(*offsets[0])), abs=0.1)


@pytest.mark.parametrize(
    "path",
    [CameraPath(zoom=1.1, roll_degrees=18.0), CameraPath(shift_x=0.3, roll_degrees=-20.0), CameraPath(zoom=0.7)],
)
def test_a_path_filmed_somewhere_stays_inside_the_picture(path: CameraPath) -> None:
    """The picture's rim is red, and what lies beyond is mirrored: the rim would be seen."""
    picture = np.full((200, 300, 3), 80, np.uint8)
    picture[[0, -1]] = picture[:, [0, -1]] = (255, 0, 0)
    for seed in range(8):
        frames = film_somewhere(picture, path, (60, 40), np.linspace(0, 1, 9), np.random.default_rng(seed))
        inner = frames[:, 2:-2, 2:-2].astype(int)
        assert int((inner[..., 0] - inner[..., 1]).max()) < 60
