"""Sheets show the right frames, the same way every time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from reelops.errors import VideoError
from reelops.video.contact_sheet import contact_sheet, evenly_spaced
from tests.unit.video.media import noise_frames, numbered_frames


def test_first_and_last_frame_are_on_the_sheet() -> None:
    assert evenly_spaced(49, 4) == [0, 16, 32, 48]
    assert evenly_spaced(3, 12) == [0, 1, 2]
    assert evenly_spaced(49, 1) == [0]


def test_frames_stand_in_reading_order() -> None:
    sheet = np.asarray(contact_sheet(numbered_frames(6, 60, 40), columns=3, cell_width=60))
    greys = [sheet[40, 20 + 30 + column * 72, 0] for column in range(3)]
    assert greys == [16, 20, 24]
    assert sheet[0, 0].tolist() == [24, 24, 27]


def test_sheet_is_the_same_every_time_and_differs_with_its_words() -> None:
    frames = noise_frames(9)
    one, same, other = (
        np.asarray(contact_sheet(frames, Fraction(8), title=title)) for title in (*["slow zoom in"] * 2, "pan left")
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_labels_must_match_the_frames() -> None:
    with pytest.raises(VideoError, match="2 labels were given for 3 frames"):
        contact_sheet(noise_frames(3), labels=["a", "b"])
    with pytest.raises(VideoError, match="at least one frame"):
        contact_sheet(noise_frames(0))
