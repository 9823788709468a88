"""Engines find known shifts of a real photograph, at the stated scale, whatever the number of threads."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from reelops.errors import SettingsError
from reelops.metrics.optical_flow import ENGINES, Dis, flow_engine, mean_magnitude, pull_back
from reelops.metrics.working_size import at_rows, luma


def shifted_pair(photo: np.ndarray, rows: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Luma `rows` high, and the same with everything `shift` pixels further right."""
    gray = at_rows(luma(photo), rows)
    height, width = gray.shape
    move = np.array([[1.0, 0.0, shift], [0.0, 1.0, 0.0]])
    return gray, cv2.warpAffine(gray, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_every_engine_finds_a_known_shift(photo: np.ndarray, name: str, shift: float) -> None:
    flow = flow_engine(name).flow(*shifted_pair(photo, 64, shift))
    assert flow.shape[2] == 2 and flow.dtype == np.float32
    middle = flow[10:-10, 15:-15]
    assert np.median(middle[..., 0]) == pytest.approx(shift, abs=0.15)
    assert np.median(middle[..., 1]) == pytest.approx(0, abs=0.1)


def test_magnitude_does_not_depend_on_the_working_size(photo: np.ndarray) -> None:
    small, large = (mean_magnitude(Dis().flow(*shifted_pair(photo, rows, rows * 0.02))) for rows in (120, 240))
    assert small == pytest.approx(0.02 * 480, rel=0.1)
    assert large == pytest.approx(small, rel=0.1)


def test_flow_is_the_same_with_any_number_of_threads(photo: np.ndarray) -> None:
    pair = shifted_pair(photo, 160, 3.0)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = Dis().flow(*pair)
        cv2.setNumThreads(4)
        four = Dis().flow(*pair)
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(one, four)


def test_pulled_back_picture_is_the_first_one(photo: np.ndarray) -> None:
    gray, moved = shifted_pair(photo, 160, 4.0)
    flow = np.zeros((*gray.shape, 2), np.float32)
    flow[..., 0] = 4.0
    warped, inside = pull_back(moved, flow)
    assert not inside[:, -4:].any() and inside[:, :-4].all()
    np.testing.assert_allclose(warped[:, :-8], gray[:, :-8], atol=1.0)


def test_unknown_engine_is_named_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"'raft'.*tvl1-opencv, dis"):
        flow_engine("raft")
