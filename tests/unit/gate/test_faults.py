"""Seventy ways to spoil a clip, each what its name says, at strengths that grow."""

from __future__ import annotations

import numpy as np
import pytest
from real_media import media

from reelops.gate.faults.catalogue import FAMILIES, Spoilt, a_third_of_faults, every_fault
from reelops.video.decode import read_clip

ALL = [(family, fault) for family, faults in FAMILIES.items() for fault in faults]


@pytest.fixture(scope="module")
def kitten() -> np.ndarray:
    return read_clip(media("cogvideo-example-kitten.mp4"), size=(240, 160))[::2]


def spoilt(frames: np.ndarray, one: Spoilt) -> np.ndarray:
    return one.fault.make(frames, one.fault.strengths[one.strength], np.random.default_rng(5))


@pytest.mark.parametrize("length", [2, 5, 9])
def test_short_and_small_clips_can_be_spoilt_too(kitten: np.ndarray, length: int) -> None:
    small = np.ascontiguousarray(kitten[:length, ::4, ::4])
    for strength in range(3):
        for one in every_fault(strength):
            assert spoilt(small, one).shape == small.shape, one.name


def test_there_are_at_least_forty_kinds_in_eight_families_and_no_name_twice() -> None:
    names = [fault.name for _, fault in ALL]
    assert len(FAMILIES) >= 8 and len(names) >= 40 and len(set(names)) == len(names)


@pytest.mark.parametrize("number", range(len(ALL)), ids=[fault.name for _, fault in ALL])
def test_a_fault_keeps_the_shape_follows_from_its_seed_and_leaves_the_clip_alone(
    kitten: np.ndarray, number: int
) -> None:
    family, fault = ALL[number]
    before = kitten.copy()
    once, again = (spoilt(kitten, Spoilt(family, fault, 1)) for _ in range(2))
    assert once.shape == kitten.shape and once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(kitten, before)
    assert (once != kitten).any()


@pytest.mark.parametrize(
    "name", ["mosaic", "burning", "melting", "grain", "seamed", "trailing", "dissolving", "squeezed"]
)
def test_the_stronger_a_fault_the_less_of_the_clip_is_left(kitten: np.ndarray, name: str) -> None:
    family, fault = next(pair for pair in ALL if pair[1].name == name)
    far = [
        float(np.abs(spoilt(kitten, Spoilt(family, fault, strength)).astype(float) - kitten).mean())
        for strength in range(3)
    ]
    assert 0 < far[0] < far[1] < far[2]


def test_nine_clips_in_a_row_see_every_fault_at_every_strength_once() -> None:
    seen = [(one.fault.name, one.strength) for number in range(9) for one in a_third_of_faults(number)]
    assert sorted(seen) == sorted((fault.name, strength) for _, fault in ALL for strength in range(3))


def test_a_spoilt_clip_is_named_with_its_strength() -> None:
    assert "mosaic, 12 px" in [one.name for one in every_fault()]


def test_parts_and_times_are_spoilt_where_the_names_say(kitten: np.ndarray) -> None:
    def made(name: str) -> np.ndarray:
        return next(spoilt(kitten, Spoilt(family, fault, 1)) for family, fault in ALL if fault.name == name)

    half = made("frozen side")
    assert (half[:, :, :119] == half[0, :, :119]).all() and (half[:, :, 121:] == kitten[:, :, 121:]).all()
    looped = made("looping")
    assert np.array_equal(looped[:8], looped[8:16])
    still = made("freezing")
    assert np.array_equal(still[-1], still[len(still) // 2]) and np.array_equal(still[:9], kitten[:9])
    burnt = made("burning")
    assert np.array_equal(burnt[0], kitten[0]) and burnt[-1].std() > 1.2 * kitten[-1].std()
