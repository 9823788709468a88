"""Sheets and thumbnails show the right frames, the same way every time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reelops.errors import PictureError, VideoError
from reelops.video.contact_sheet import contact_sheet, evenly_spaced
from reelops.video.encode import encode
from reelops.video.thumbnail import thumbnail, write_picture
from tests.unit.video.media import noise_frames, number_in, numbered_frames


def test_first_and_last_frame_are_on_the_sheet() -> None:
    assert evenly_spaced(49, 4) == [0, 16, 32, 48]
    assert evenly_spaced(3, 12) == [0, 1, 2]
    assert evenly_spaced(49, 1) == [0]


def test_frames_stand_in_reading_order() -> None:
    sheet = np.asarray(contact_sheet(numbered_frames(6, 60, 40), columns=3, cell_width=60))
    greys = [sheet[40, 20 + 30 + column * 72, 0] for column in range(3)]
    assert greys == [16, 18, 20]
    assert sheet[0, 0].tolist() == [24, 24, 27]


def test_sheet_is_the_same_every_time_and_differs_with_its_words(tmp_path: Path) -> None:
    frames = noise_frames(9)
    for name in "ab":
        write_picture(contact_sheet(frames, Fraction(8), title="slow zoom in"), tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    other = contact_sheet(frames, Fraction(8), title="pan left")
    assert not np.array_equal(np.asarray(other), np.asarray(Image.open(tmp_path / "a.png")))


def test_labels_must_match_the_frames() -> None:
    with pytest.raises(VideoError, match="2 labels were given for 3 frames"):
        contact_sheet(noise_frames(3), labels=["a", "b"])
    with pytest.raises(VideoError, match="at least one frame"):
        contact_sheet(noise_frames(0))


def test_thumbnail_is_the_middle_frame_and_fits(tmp_path: Path) -> None:
    path = encode(numbered_frames(41, 128, 64), tmp_path / "clip.mp4", Fraction(8), "lossless").path
    picture = thumbnail(path, longest_side=64)
    assert picture.size == (64, 32)
    assert number_in(np.asarray(picture)) == 20
    assert number_in(np.asarray(thumbnail(path, at=Fraction(5, 8)))) == 5
    assert number_in(np.asarray(thumbnail(numbered_frames(41)))) == 20


def test_picture_suffix_is_checked(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"clip\.mp4"):
        write_picture(Image.new("RGB", (8, 8)), tmp_path / "clip.mp4")
