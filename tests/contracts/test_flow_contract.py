"""One suite over every optical flow engine: a new one is added to ENGINES and must pass all of it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from reelops.benchmark.cases.flow.footage import photograph
from reelops.benchmark.known_flow import KnownMotion, end_point_error, moved_pair
from reelops.errors import VideoError
from reelops.optical_flow.contract import FlowEngine
from reelops.optical_flow.engines import ENGINES, flow_engine, mean_magnitude
from reelops.optical_flow.working_size import at_rows

every_engine = pytest.mark.parametrize("name", ENGINES)


@pytest.fixture(scope="module")
def coffee(repository: Path) -> np.ndarray:
    """A photograph that the repository brings, luma."""
    return photograph(repository / "data/samples/coffee.jpg")


@pytest.fixture
def engine(name: str) -> FlowEngine:
    return flow_engine(name)


def pair_of(photo: np.ndarray, motion: KnownMotion, rows: int) -> tuple[np.ndarray, np.ndarray]:
    previous, following = moved_pair(photo, motion)
    return at_rows(previous, rows), at_rows(following, rows)


@every_engine
@pytest.mark.parametrize(
    ("motion", "limit"),
    [
        (KnownMotion("still"), 0.0),
        (KnownMotion("half a pixel at 64 rows", shift_x=3.75), 0.9),
        (KnownMotion("two pixels at 64 rows", shift_x=-12, shift_y=9), 1.5),
        (KnownMotion("zoom", zoom=1.03), 1.5),
    ],
    ids=lambda value: value.name if isinstance(value, KnownMotion) else "",
)
def test_known_motion_is_found(engine: FlowEngine, coffee: np.ndarray, motion: KnownMotion, limit: float) -> None:
    flow = engine.flow(*pair_of(coffee, motion, 64))
    assert flow.shape == (64, 96, 2) and flow.dtype == np.float32 and flow.flags.c_contiguous
    assert end_point_error(flow, motion) <= limit


@every_engine
def test_magnitude_does_not_depend_on_the_working_size(engine: FlowEngine, coffee: np.ndarray) -> None:
    motion = KnownMotion("pan", shift_x=9, shift_y=4)
    small, large = (mean_magnitude(engine.flow(*pair_of(coffee, motion, rows))) for rows in (64, 120))
    assert small == pytest.approx(np.hypot(9, 4), rel=0.1)
    assert large == pytest.approx(small, rel=0.1)


@every_engine
def test_flows_of_a_clip_are_those_of_its_pairs(engine: FlowEngine, coffee: np.ndarray) -> None:
    frames = [at_rows(moved_pair(coffee, KnownMotion("pan", shift_x=4.0 * t * t))[1], 48) for t in range(4)]
    found = list(engine.flows(iter(frames)))
    assert len(found) == 3
    for flow, pair in zip(found, pairwise(frames), strict=True):
        np.testing.assert_array_equal(flow, engine.flow(*pair))
    assert list(engine.flows(frames[:1])) == []


@every_engine
def test_flow_is_the_same_with_any_number_of_threads(engine: FlowEngine, coffee: np.ndarray) -> None:
    pair = pair_of(coffee, KnownMotion("pan", shift_x=9), 64)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = engine.flow(*pair)
        cv2.setNumThreads(4)
        four = engine.flow(*pair)
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(one, four)


@every_engine
@pytest.mark.parametrize("shape", [(16, 16), (16, 61), (47, 17)])
def test_a_picture_of_one_colour_does_not_move(engine: FlowEngine, shape: tuple[int, int]) -> None:
    flow = engine.flow(np.full(shape, 77, np.uint8), np.full(shape, 77, np.uint8))
    np.testing.assert_array_equal(flow, np.zeros((*shape, 2)))


@every_engine
def test_a_change_of_light_gives_a_finite_flow(engine: FlowEngine) -> None:
    assert np.isfinite(engine.flow(np.zeros((32, 40), np.uint8), np.full((32, 40), 255, np.uint8))).all()


@every_engine
def test_pictures_may_be_views(engine: FlowEngine, coffee: np.ndarray) -> None:
    previous, following = pair_of(coffee, KnownMotion("pan", shift_x=9), 64)
    flow = engine.flow(previous[::2, ::2], following[::2, ::2])
    np.testing.assert_array_equal(flow, engine.flow(previous[::2, ::2].copy(), following[::2, ::2].copy()))


@every_engine
def test_what_has_no_flow_is_refused(engine: FlowEngine) -> None:
    with pytest.raises(VideoError, match=r"one size; these are 40x32 and 40x30\. Scale"):
        engine.flow(np.zeros((32, 40), np.uint8), np.zeros((30, 40), np.uint8))
    with pytest.raises(VideoError, match=r"at least 16x16 pixels; these are 40x1\. Give"):
        engine.flow(np.zeros((1, 40), np.uint8), np.zeros((1, 40), np.uint8))
    with pytest.raises(VideoError, match="one size"):
        list(engine.flows([np.zeros((32, 40), np.uint8), np.zeros((32, 41), np.uint8)]))
