"""What becomes of the picture is measured along the motion, and named by time."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from filmed import measures_of, spoilt

from reelops.metrics.kept.kept import Kept
from reelops.metrics.tracker import Measure

EIGHT = Fraction(8)


def kept(frames: np.ndarray, fps: Fraction = EIGHT, picture: np.ndarray | None = None) -> dict[str, Measure]:
    return measures_of(Kept(fps, picture_HWC=picture), frames)


def test_a_good_clip_keeps_its_picture(kitten: np.ndarray) -> None:
    found = {name: measure.value or 0 for name, measure in kept(kitten).items()}
    assert abs(found["kept_light"]) < 4 and found["kept_colour"] < 3
    assert all(abs(found[name]) < 0.3 for name in ("kept_saturation", "kept_contrast", "kept_detail"))


@pytest.mark.parametrize(
    ("fault", "metric", "at_least"),
    [
        ("burning", "kept_contrast", 0.4),
        ("fogging", "kept_contrast", -0.8),
        ("losing colour", "kept_saturation", -1),
        ("tint drift", "kept_colour", 10),
        ("hue drift", "kept_colour", 4),
        ("blurring", "kept_detail", -1),
        ("melting", "kept_shape", 4),
        ("stretching", "kept_stretch", 0.3),
    ],
)
def test_what_leaves_the_picture_is_measured_with_its_sign(
    kitten: np.ndarray, fault: str, metric: str, at_least: float
) -> None:
    measure = kept(spoilt(kitten, fault, 1))[metric]
    assert measure.value is not None and measure.value / at_least > 1
    assert measure.place is not None and measure.place.frame is not None and measure.place.frame > 24


def test_a_change_of_a_part_is_found_there(kitten: np.ndarray) -> None:
    changed = kitten.astype(np.float32)
    changed[20:, :, 120:] += 30
    place = kept(np.clip(changed, 0, 255).astype(np.uint8))["kept_light"].place
    assert place is not None and place.box is not None and place.box[0] >= 0.4
    assert "right" in place.words(8)


def test_a_camera_that_moves_changes_nothing(film_over, photo: np.ndarray) -> None:
    from reelops.camera.moves import CameraPath

    clip = film_over(photo, CameraPath(shift_x=0.3, zoom=1.2, roll_degrees=3))
    found = {name: abs(measure.value or 0) for name, measure in kept(clip).items()}
    assert found["kept_light"] < 2 and found["kept_colour"] < 2 and found["kept_contrast"] < 0.25
    assert found["kept_shape"] < 5 and found["kept_stretch"] < 0.15


def test_the_picture_is_what_counts_where_the_clip_begins_with_it(kitten: np.ndarray) -> None:
    softer = np.stack([cv2.GaussianBlur(frame, (0, 0), 2) for frame in kitten])
    alone, beside = kept(softer)["kept_detail"], kept(softer, picture=kitten[0])["kept_detail"]
    assert abs(alone.value or 0) < 0.3 and (beside.value or 0) < -0.8
    assert "first frame" in alone.how and "against the picture" in beside.how
    other = kept(softer, picture=np.ascontiguousarray(kitten[0, ::-1]))["kept_detail"]
    assert other.value == alone.value and "first frame" in other.how


def test_three_times_the_rate_gives_the_same_and_a_value_for_every_frame(kitten: np.ndarray) -> None:
    once, thrice = kept(kitten[:12]), kept(np.repeat(kitten[:12], 3, axis=0), 3 * EIGHT)
    for name, measure in thrice.items():
        assert measure.value == (pytest.approx(once[name].value) if once[name].value is not None else None), name
        assert measure.value is None or (measure.series is not None and len(measure.series) == 36)


def test_where_the_picture_has_left_what_had_changed_until_then_is_kept(film_over, photo: np.ndarray) -> None:
    from reelops.camera.moves import CameraPath

    far = film_over(photo, CameraPath(shift_x=0.9)).astype(np.float32)
    darker = far * np.linspace(1, 0.6, len(far))[:, None, None, None]
    value = kept(np.clip(darker, 0, 255).astype(np.uint8))["kept_light"].value
    assert value is not None and -75 < value < -25
