"""How large and how long a clip is in the end, and whether its picture's detail is carried."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from reelops.clip import ClipFormat, ClipOrder
from reelops.errors import ClipFormatError
from reelops.generators.finish import Finish, plan_finish

CLIP = ClipFormat(49, Fraction(8), 240, 160)
PHONE = ClipFormat(49, Fraction(8), 144, 256)
LARGE = (3000, 2000)


def finish(
    picture: tuple[int, int] = LARGE, clip: ClipFormat = CLIP, profile: str | None = "480p", **wishes: Any
) -> Finish:
    order = ClipOrder(picture=Path("harbour.png"), prompt="pan left", **wishes)
    return plan_finish(order, clip, picture, profile)


def test_the_profiles_size_is_the_default_with_detail_and_off_leaves_the_clip_as_it_is_generated() -> None:
    assert finish() == Finish(49, 720, 480, detail=True)
    assert finish(detail="off") == Finish(49, 240, 160)
    assert finish(width=240, height=160) == Finish(49, 240, 160)
    assert finish(profile=None) == Finish(49, 240, 160)


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({"size": "1080p"}, (1620, 1080, True)),
        ({"size": "1620x1080"}, (1620, 1080, True)),
        ({"size": "160p"}, (240, 160, False)),
        ({"size": "160p", "detail": "on"}, (240, 160, True)),
        ({"size": "720p", "width": 240, "height": 160}, (1080, 720, True)),
    ],
)
def test_a_larger_size_takes_detail_unless_the_order_says_otherwise(
    wishes: dict[str, Any], expected: tuple[int, int, bool]
) -> None:
    found = finish(profile=None, **wishes)
    assert (found.width, found.height, found.detail) == expected and not found.notes


def test_a_phone_picture_gives_a_phone_clip() -> None:
    found = finish((1080, 1920), PHONE)
    assert (found.width, found.height, found.detail) == (480, 854, True)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [((600, 400), (600, 400)), ((600, 900), (600, 400)), ((641, 427), (640, 426)), ((246, 164), (246, 164))],
)
def test_no_clip_is_larger_than_its_picture_and_one_who_asked_for_more_is_told(
    picture: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert finish(picture) == Finish(49, *expected, detail=True), "nobody asked for more"
    found = finish(picture, size="720p")
    assert (found.width, found.height) == expected
    assert found.notes == (
        f"the picture is {picture[0]}x{picture[1]}, so the clip is {expected[0]}x{expected[1]}, not 1080x720",
    )


@pytest.mark.parametrize(("picture", "expected"), [((432, 768), (432, 768)), ((360, 640), (360, 640))])
def test_a_picture_of_the_clips_own_shape_keeps_all_its_pixels(
    picture: tuple[int, int], expected: tuple[int, int]
) -> None:
    found = finish(picture, PHONE)
    assert (found.width, found.height) == expected


def test_a_padded_picture_counts_with_its_bars() -> None:
    assert finish((1000, 300), fit="pad") == Finish(49, 720, 480, detail=True)
    assert finish((1000, 300)) == Finish(49, 450, 300, detail=True)


def test_a_picture_smaller_than_the_generated_clip_has_no_detail_to_carry() -> None:
    assert finish((120, 80)) == Finish(49, 240, 160)
    found = finish((120, 80), size="480p", detail="on")
    assert (found.width, found.height, found.detail) == (240, 160, False)
    assert found.notes == (
        "the picture is 120x80, so the clip stays at 240x160",
        "the picture has no more detail than the clip, so none is carried",
    )


def test_a_larger_clip_without_detail_is_said_to_be_soft() -> None:
    found = finish(size="480p", detail="off")
    assert (found.width, found.height, found.detail) == (720, 480, False)
    assert found.notes == ("enlarged from 240x160 without the picture's detail, so it is soft",)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("1280x720", r"1280x720 has another shape than the 240x160 .*Ask for 720p, which is 1080x720"),
        ("120p", r"180x120 is smaller than the 240x160 that tiny makes\. Ask for 160p or more"),
    ],
)
def test_a_size_of_another_shape_or_below_the_generated_one_is_refused(size: str, message: str) -> None:
    with pytest.raises(ClipFormatError, match=message):
        finish(size=size)


@pytest.mark.parametrize(("seconds", "frames"), [(6.125, 49), (12, 96), (3, 24), (0.1, 2)])
def test_seconds_are_frames_at_the_clips_rate(seconds: float, frames: int) -> None:
    assert finish(seconds=seconds).num_frames == frames


def test_more_frames_than_a_clip_can_have_are_refused() -> None:
    with pytest.raises(
        ClipFormatError, match=r"600 seconds are 36000 frames, more than 10000\. Ask for 166\.667 at most"
    ):
        finish(clip=ClipFormat(49, Fraction(60), 240, 160), seconds=600)
