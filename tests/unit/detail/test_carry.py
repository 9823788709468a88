"""The picture's detail in a clip that is smaller or softer than its picture."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from reelops.camera.moves import CameraMove, film, path_of
from reelops.detail.carry import DetailedFrame, carry_detail
from reelops.detail.settings import DetailSettings
from reelops.detail.whole_picture import WholePicture
from reelops.errors import VideoError
from reelops.metrics.light.sharpness import sharpness
from reelops.metrics.reference.psnr import psnr
from reelops.optical_flow.working_size import luma
from reelops.video.picture import read_pixels

IMAGES = Path(__file__).parents[3] / "data/media/image"
SIZE, SMALL = (480, 320), (160, 107)
# Of a 480x320 clip, what a fifth of a pan or tilt keeps inside.
INSIDE = (slice(30, -30), slice(50, -50))


def filmed(move: CameraMove, frames: int = 5, name: str = "kodim23.png") -> np.ndarray:
    """True frames (T, 320, 480, 3) of a move over the middle of a picture."""
    times = np.linspace(0, 0.4, frames)
    return film(read_pixels(IMAGES / name), (144.0, 96.0, 480.0, 320.0), path_of(move), SIZE, times)


def reduced(frame_HWC: np.ndarray) -> np.ndarray:
    return cv2.resize(frame_HWC, SMALL, interpolation=cv2.INTER_AREA)


def enlarged(frame_HWC: np.ndarray) -> np.ndarray:
    return cv2.resize(frame_HWC, SIZE, interpolation=cv2.INTER_CUBIC)


def blurred(frame_HWC: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(frame_HWC, (0, 0), 2.0)


def is_nearly(frame_HWC: np.ndarray, other_HWC: np.ndarray) -> bool:
    """Equal but for rounding, which OpenCV does twice within bytes."""
    return bool(np.abs(frame_HWC.astype(int) - other_HWC).max() <= 2)


def carried(frames: np.ndarray, picture_HWC: np.ndarray) -> list[DetailedFrame]:
    return list(carry_detail(iter(frames), picture_HWC, SIZE))


def gain(found: DetailedFrame, small_HWC: np.ndarray, truth_HWC: np.ndarray, where: tuple[slice, slice]) -> float:
    """Decibels nearer to the truth than the clip enlarged."""
    return psnr(found.frame_HWC[where], truth_HWC[where]) - psnr(enlarged(small_HWC)[where], truth_HWC[where])


@pytest.mark.parametrize("move", [move for move in CameraMove if move is not CameraMove.STATIC])
def test_a_filmed_picture_is_rebuilt_nearer_to_the_truth_than_bicubic(move):
    truth = filmed(move)
    small = [reduced(frame) for frame in truth]
    found = carried(small, truth[0])
    assert gain(found[-1], small[-1], truth[-1], INSIDE) > 3.0
    assert found[-1].share > 0.2


def test_a_still_clip_shows_its_picture_in_every_frame():
    picture = filmed(CameraMove.STATIC, frames=2)[0]
    found = carried([reduced(picture)] * 4, picture)
    assert min(psnr(one.frame_HWC, picture) for one in found) > psnr(enlarged(reduced(picture)), picture) + 5
    assert max(np.abs(one.frame_HWC.astype(int) - found[-1].frame_HWC).max() for one in found[1:]) <= 2


@pytest.mark.parametrize("move", list(CameraMove))
def test_a_blurred_clip_gets_its_pictures_sharpness_back(move):
    truth = filmed(move)
    small = [blurred(reduced(frame)) for frame in truth]
    found = carried(small, truth[0])
    assert gain(found[-1], small[-1], truth[-1], INSIDE) > 6.0
    assert sharpness(luma(found[-1].frame_HWC[INSIDE])) > 0.75 * sharpness(luma(truth[-1][INSIDE]))
    assert found[0].share > 0.95


def test_a_clip_that_has_lost_its_finest_detail_alone_gets_it_back_to_the_end():
    picture = filmed(CameraMove.STATIC, frames=2)[0]
    noise = np.random.default_rng(0).normal(0, 4, (5, SMALL[1], SMALL[0], 3))
    small = [
        np.clip(cv2.GaussianBlur(reduced(picture), (0, 0), 0.8) + one, 0, 255).round().astype(np.uint8) for one in noise
    ]
    found = carried(small, picture)
    assert min(one.share for one in found) > 0.9
    assert gain(found[-1], small[-1], picture, INSIDE) > 6.0


def test_what_a_pan_uncovers_is_the_clip_enlarged():
    truth = filmed(CameraMove.PAN_RIGHT)
    small = [blurred(reduced(frame)) for frame in truth]
    uncovered = (slice(None), slice(-20, None))  # of the 38 columns that came into view
    left = carried(small, truth[0])[-1].frame_HWC[uncovered].astype(int) - enlarged(small[-1])[uncovered]
    assert np.abs(left).mean() < 1.0


def test_another_scene_takes_nothing_from_the_picture():
    picture = filmed(CameraMove.STATIC, frames=2)[0]
    other = reduced(filmed(CameraMove.STATIC, frames=2, name="kodim03.png")[0])
    for make in (np.array, blurred):
        found = carried([make(reduced(picture)), make(other), make(other), make(reduced(picture))], picture)
        assert [one.share for one in found[1:3]] == [0.0, 0.0]
        assert is_nearly(found[2].frame_HWC, enlarged(make(other)))
        assert found[3].share == pytest.approx(found[0].share, abs=0.15)


@pytest.mark.parametrize("soften", [np.array, blurred], ids=["sharp", "soft"])
def test_a_thing_that_crosses_a_still_ground_leaves_no_ghost(soften):
    ground = filmed(CameraMove.STATIC, frames=2)[0]
    thing = cv2.resize(read_pixels(IMAGES / "kodim03.png")[150:300, 200:350], (90, 90), interpolation=cv2.INTER_AREA)

    def with_thing(x: int) -> np.ndarray:
        frame = ground.copy()
        frame[120:210, x : x + 90] = thing
        return frame

    truth = [with_thing(60 + 30 * step) for step in range(6)]
    small = [soften(reduced(frame)) for frame in truth]
    found = carried(small, truth[0])
    left_behind = (slice(115, 215), slice(50, 155))  # where the thing was in the picture
    now_there = (slice(115, 215), slice(205, 305))
    for where in (left_behind, now_there):
        assert gain(found[-1], small[-1], truth[-1], where) > -0.3


def test_light_follows_the_clip():
    truth = filmed(CameraMove.PAN_LEFT)
    dimmed = np.stack([np.rint(frame * (1 - 0.12 * index)).astype(np.uint8) for index, frame in enumerate(truth)])
    for soften in (np.array, blurred):
        found = carried([soften(reduced(frame)) for frame in dimmed], truth[0])
        mean = found[-1].frame_HWC[INSIDE].mean()
        assert mean == pytest.approx(dimmed[-1][INSIDE].mean(), rel=0.03)
        assert found[-1].share > 0.2


def test_equal_clips_give_equal_bits():
    truth = filmed(CameraMove.ZOOM_IN, frames=4)
    small = [reduced(frame) for frame in truth]
    first, second = carried(small, truth[0]), carried(small, truth[0])
    assert [one.share for one in first] == [one.share for one in second]
    assert np.array_equal([one.frame_HWC for one in first], [one.frame_HWC for one in second])


def test_memory_does_not_grow_with_the_clip():
    truth = filmed(CameraMove.TILT_UP, frames=2)
    small = [reduced(frame) for frame in truth]

    def peak(frames: int) -> int:
        tracemalloc.start()
        for _ in carry_detail((small[index % 2] for index in range(frames)), truth[0], SIZE):
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    assert peak(36) < 1.5 * peak(6)


def test_frames_are_taken_one_ahead_and_no_more():
    truth = filmed(CameraMove.STATIC, frames=2)
    taken: list[int] = []

    def frames() -> Iterator[np.ndarray]:
        for index in range(10):
            taken.append(index)
            yield reduced(truth[0])

    found = carry_detail(frames(), truth[0], SIZE)
    assert not taken
    next(found)
    assert taken == [0, 1]


def test_without_strength_the_clip_is_enlarged_and_no_more():
    truth = filmed(CameraMove.PAN_LEFT, frames=3)
    small = [blurred(reduced(frame)) for frame in truth]
    found = list(carry_detail(small, truth[0], SIZE, DetailSettings(strength=0.0)))
    assert [one.share for one in found] == [0.0] * 3
    assert is_nearly(found[-1].frame_HWC, enlarged(small[-1]))


def test_an_upright_clip_and_one_of_its_pictures_own_size_are_carried():
    truth = filmed(CameraMove.PAN_LEFT, frames=3)
    upright = [np.ascontiguousarray(np.rot90(frame)) for frame in truth]
    small = [np.ascontiguousarray(np.rot90(reduced(frame))) for frame in truth]
    found = list(carry_detail(small, upright[0], (320, 480)))
    assert found[-1].frame_HWC.shape == (480, 320, 3)
    assert found[-1].share > 0.2
    soft = [blurred(frame) for frame in truth]
    same = carried(soft, truth[0])[-1].frame_HWC
    assert psnr(same[INSIDE], truth[-1][INSIDE]) > psnr(soft[-1][INSIDE], truth[-1][INSIDE]) + 3


def test_a_clip_without_frames_gives_none():
    assert list(carry_detail([], np.zeros((64, 96, 3), np.uint8), (96, 64))) == []


def test_a_clip_of_one_colour_is_left_as_it_is():
    gray = np.full((32, 48, 3), 90, np.uint8)
    found = list(carry_detail([gray, gray], np.full((64, 96, 3), 90, np.uint8), (96, 64)))
    assert all((one.frame_HWC == 90).all() for one in found)


def test_frames_of_two_sizes_are_refused():
    frame = np.zeros((32, 48, 3), np.uint8)
    with pytest.raises(VideoError, match="A frame is 24x32 in a clip of 48x32"):
        list(carry_detail([frame, frame[:, :24]], np.zeros((64, 96, 3), np.uint8), (96, 64)))


@pytest.mark.parametrize(
    ("small", "size", "reason"),
    [
        ((48, 32), (40, 32), "larger than the 40x32"),
        ((48, 32), (192, 128), "has no detail"),
        ((12, 8), (24, 16), "16 pixels"),
    ],
)
def test_sizes_that_cannot_be_made_are_refused(small, size, reason):
    frame = np.zeros((small[1], small[0], 3), np.uint8)
    with pytest.raises(VideoError, match=reason):
        list(carry_detail([frame], np.zeros((64, 96, 3), np.uint8), size))


def test_what_ends_the_frames_ends_the_clip():
    def frames() -> Iterator[np.ndarray]:
        yield np.zeros((32, 48, 3), np.uint8)
        raise VideoError("the file is damaged")

    with pytest.raises(VideoError, match="the file is damaged"):
        list(carry_detail(frames(), np.zeros((64, 96, 3), np.uint8), (96, 64)))


def test_a_machine_without_memory_is_no_clip_without_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV says so in the words of OpenCV; what it says of a picture that is not the same has other ones."""

    def too_much(*_: object) -> None:
        cv2.resize(np.zeros((10, 10, 3), np.uint8), (2**31 - 1, 2**30))

    picture = luma(filmed(CameraMove.STATIC, frames=1)[0])
    assert WholePicture(picture).see(np.zeros_like(picture)) is None
    monkeypatch.setattr(cv2, "findTransformECC", too_much)
    with pytest.raises(cv2.error, match="Insufficient memory"):
        WholePicture(picture).see(picture)
