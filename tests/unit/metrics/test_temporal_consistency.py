"""The brief's score: its formula, what it tells, and what it is known to be blind to."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from reelops.camera.moves import CameraMove
from reelops.errors import VideoError
from reelops.metrics.motion.temporal_consistency import consistency_of, temporal_consistency


def test_score_is_the_exponential_of_the_variance() -> None:
    assert consistency_of([1, 3], scale=2.0) == pytest.approx(math.exp(-1 / 2))
    assert consistency_of([7, 7, 7], scale=2.0) == 1
    assert consistency_of([0, 1000], scale=2000.0) > 0


def test_steady_camera_scores_higher_than_the_same_frames_in_disorder(filmed: Callable[..., np.ndarray]) -> None:
    frames = filmed(CameraMove.PAN_LEFT, num_frames=9)
    disorder = frames[[0, 5, 1, 8, 2, 7, 3, 6, 4]]
    assert temporal_consistency(frames, scale=120) > 0.99
    assert temporal_consistency(disorder, scale=120) < 0.6


def test_frozen_clip_scores_one_though_it_is_bad(filmed: Callable[..., np.ndarray]) -> None:
    assert temporal_consistency(filmed(CameraMove.STATIC, num_frames=3), scale=120) == 1


def test_a_single_frame_has_no_score(photo: np.ndarray) -> None:
    with pytest.raises(VideoError, match="at least two frames"):
        temporal_consistency([photo], scale=120)
