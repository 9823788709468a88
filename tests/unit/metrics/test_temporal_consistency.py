"""The brief's score: its formula, what it tells, and what it is known to be blind to."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from reelops.camera.moves import CameraMove
from reelops.errors import VideoError
from reelops.metrics.motion.temporal_consistency import TemporalConsistency, consistency_of
from reelops.metrics.tracker import Measure
from reelops.optical_flow.engines import flow_engine, mean_magnitude
from reelops.optical_flow.working_size import WORKING_ROWS, at_rows, luma


def test_score_is_the_exponential_of_the_variance() -> None:
    assert consistency_of([1, 3], scale=2.0) == pytest.approx(math.exp(-1 / 2))
    assert consistency_of([7, 7, 7], scale=2.0) == 1
    assert consistency_of([0, 1000], scale=2000.0) > 0


@pytest.fixture
def score(track: Callable[..., dict[str, Measure]]) -> Callable[[np.ndarray], float | None]:
    """Scores frames at the shipped scale."""
    return lambda frames: track(TemporalConsistency("tvl1", WORKING_ROWS, 120), frames)["temporal_consistency"].value


def test_steady_camera_scores_higher_than_the_same_frames_in_disorder(
    filmed: Callable[..., np.ndarray], score: Callable[[np.ndarray], float]
) -> None:
    frames = filmed(CameraMove.PAN_LEFT, num_frames=9)
    assert score(frames) > 0.99
    assert score(frames[[0, 5, 1, 8, 2, 7, 3, 6, 4]]) < 0.6


def test_frozen_clip_scores_one_though_it_is_bad(
    filmed: Callable[..., np.ndarray], score: Callable[[np.ndarray], float]
) -> None:
    assert score(filmed(CameraMove.STATIC, num_frames=3)) == 1


def test_pairs_found_beside_everything_else_are_those_of_the_engine_alone(
    filmed: Callable[..., np.ndarray], score: Callable[[np.ndarray], float]
) -> None:
    frames = filmed(CameraMove.PAN_LEFT, num_frames=13)
    pictures = [at_rows(luma(frame), WORKING_ROWS) for frame in frames]
    alone = [mean_magnitude(flow_engine("tvl1").flow(*pair)) for pair in pairwise(pictures)]
    assert score(frames) == consistency_of(alone, scale=120)


def test_a_single_frame_has_no_score(photo: np.ndarray, score: Callable[[np.ndarray], float]) -> None:
    with pytest.raises(VideoError, match="at least two frames"):
        score(photo[None])
