"""Sizes as people ask for them, and lengths."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops.clip import ClipOrder, WantedSize
from reelops.errors import InputError

ORDER = ClipOrder(picture=Path("harbour.png"), prompt="pan left")


@pytest.mark.parametrize(
    ("size", "aspect", "expected"),
    [
        ("480p", 3 / 2, (720, 480)),
        ("480p", 2 / 3, (480, 720)),
        ("480p", 9 / 16, (480, 854)),
        ("720p", 16 / 9, (1280, 720)),
        ("1080p", 1.0, (1080, 1080)),
        ("2160p", 4 / 3, (2880, 2160)),
        ("1280x720", 3 / 2, (1280, 720)),
    ],
)
def test_a_short_side_takes_the_clips_shape_and_both_sides_are_taken_as_they_are(
    size: str, aspect: float, expected: tuple[int, int]
) -> None:
    assert WantedSize.parse(size).of_shape(aspect) == expected


@pytest.mark.parametrize("size", ["", "big", "480", "p", "480P", "1280x", "12.5p", "-480p", "720 x 480", "٤٨٠p"])
def test_what_names_no_size_is_told_how_one_is_named(size: str) -> None:
    with pytest.raises(InputError, match=r"size is .*480p, 720p, 1080p or 2160p, or width x height, as 1280x720"):
        ORDER.but(size=size)


@pytest.mark.parametrize("size", ["8p", "481p", "9000p", "721x480", "720x14", "20000x480"])
def test_a_size_that_no_clip_can_have_is_refused(size: str) -> None:
    with pytest.raises(InputError, match=r"size is .*even numbers of pixels, from 16 to 8192"):
        ORDER.but(size=size)


def test_a_length_is_given_in_seconds_or_in_frames_but_not_in_both() -> None:
    assert ORDER.but(seconds=12).num_frames is None
    with pytest.raises(InputError, match=r"seconds is 12.*either the length in seconds or the number of frames"):
        ORDER.but(seconds=12, num_frames=49)
