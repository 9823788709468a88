"""Colours that do not lie on their shapes are seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from reelops.metrics.light.colour_alignment import ColourAlignment, colour_alignment
from reelops.metrics.tracker import Measure
from reelops.metrics.view import View


def recoloured(photo: np.ndarray, change) -> np.ndarray:
    """The photograph with its chroma changed, and its light as it is."""
    ycc = cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb)
    ycc[..., 1:] = change(ycc[..., 1:])
    return cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB)


def in_blocks(chroma: np.ndarray) -> np.ndarray:
    height, width = chroma.shape[:2]
    small = cv2.resize(chroma, (width // 24, height // 24), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def measured(frames: list[np.ndarray]) -> Measure:
    tracker = ColourAlignment()
    for frame in frames:
        tracker.see(View(frame), None)
    return tracker.measures()["colour_alignment"]


def test_the_colours_of_a_photograph_lie_on_its_shapes(photo: np.ndarray) -> None:
    value = colour_alignment(photo)
    assert value is not None and value > 0.25
    half = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert colour_alignment(half) == pytest.approx(value, abs=0.1)


@pytest.mark.parametrize(
    "change",
    [
        lambda chroma: np.roll(cv2.GaussianBlur(chroma, (0, 0), 14), 14, axis=1),
        in_blocks,
        lambda chroma: np.roll(chroma, 24, axis=0),
        lambda chroma: chroma[::-1, ::-1],
    ],
    ids=["bleeding", "in blocks of their own", "shifted", "of another picture"],
)
def test_colours_that_leave_their_shapes_are_seen(photo: np.ndarray, change) -> None:
    good, bad = colour_alignment(photo), colour_alignment(recoloured(photo, change))
    assert good is not None and bad is not None and bad < 0.15 < good


def test_without_colour_there_is_no_number_and_nothing_is_wrong(photo: np.ndarray) -> None:
    grey = np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    assert colour_alignment(grey) is None
    found = measured([grey] * 3)
    assert found.value is None and not found.applies and "no colour" in (found.reason or "")


def test_every_twelfth_frame_is_looked_at_and_every_frame_has_a_value(photo: np.ndarray) -> None:
    small = np.ascontiguousarray(photo[::2, ::2])
    found = measured([small] * 13)
    assert found.value == colour_alignment(small)
    assert found.series is not None and len(found.series) == 13
