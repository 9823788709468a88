"""Where something was seen, for people and for pages."""

from __future__ import annotations

import numpy as np
import pytest

from reelops.metrics.place import Place, region_around


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place(), ""),
        (Place(12), "at 1.5 s"),
        (Place(12, (0.0, 0.0, 0.2, 0.2)), "at 1.5 s, on the left above"),
        (Place(None, (0.8, 0.4, 1.0, 0.6)), "on the right"),
        (Place(48, (0.0, 0.0, 0.5, 1.0), since=8), "from 1.0 s on, most at 6.0 s, on the left"),
        (Place(0, (0.0, 0.7, 1.0, 1.0)), "at 0.0 s, below"),
    ],
)
def test_a_place_in_words(place: Place, words: str) -> None:
    assert place.words(8) == words


def test_a_region_is_grown_around_what_is_largest() -> None:
    heat = np.zeros((10, 16))
    heat[2:5, :8] = 1
    heat[3, 3] = 1.5
    heat[8, 14] = 1.2  # elsewhere
    assert region_around(heat) == (0, 0.2, 0.5, 0.5)


def test_what_stands_out_nowhere_has_no_region() -> None:
    assert region_around(np.zeros((4, 4))) is None
    assert region_around(np.ones((4, 4))) is None
    assert Place.of_heat(3, np.zeros((4, 4))) == Place.of_heat(3) == Place(3)


def test_heat_is_told_as_shares_of_the_most() -> None:
    place = Place.of_heat(3, np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 8.0], [0.0, 0.0, 2.0]]))
    assert place.heat == ((0, 0, 0), (0, 0, 1), (0, 0, 0.25))
    assert place.box == pytest.approx((2 / 3, 1 / 3, 1, 2 / 3))
    assert place.to_json() == {"frame": 3, "since": None, "box": [0.667, 0.333, 1.0, 0.667]}


def test_a_place_of_thinned_frames_is_told_by_the_clips_own() -> None:
    assert Place(4, since=2).of_clip(10, 3) == Place(22, since=16)
    assert Place().of_clip(10, 3) == Place()
