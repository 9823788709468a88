"""Which clips the transformer is shown, and under which words."""

from __future__ import annotations

import numpy as np
import pytest

from reelops.camera.moves import CameraMove, CameraSpeed, path_of
from reelops.camera.request import asked_move, camera_request
from reelops.pretraining.latents import MOVES, SLOW_ZOOM_ODDS, SPEEDS, LatentPool


@pytest.fixture
def pool() -> LatentPool:
    """Every move at every speed once; a clip's latents are all its own number."""
    moves, speeds = (grid.ravel() for grid in np.meshgrid(range(len(MOVES)), range(len(SPEEDS)), indexing="ij"))
    numbers = np.arange(len(moves), dtype=np.float16)
    clips = np.broadcast_to(numbers[:, None, None, None, None], (len(moves), 2, 1, 1, 1))
    return LatentPool(clips, clips[:, 0], moves, speeds)


def test_slow_zooms_are_drawn_more_often_and_all_others_alike(pool: LatentPool) -> None:
    batch = pool.draw(20_000, np.random.default_rng(0), text_dropout=1.0)
    assert set(batch.captions) == {""} and set(batch.paths) == {None}
    counts = np.bincount(batch.clips[:, 0, 0, 0, 0].int().numpy(), minlength=len(pool.moves))
    slow_zoom = np.array(
        [
            MOVES[move] in (CameraMove.ZOOM_IN, CameraMove.ZOOM_OUT) and SPEEDS[speed] is CameraSpeed.SLOW
            for move, speed in zip(pool.moves, pool.speeds, strict=True)
        ]
    )
    assert slow_zoom.sum() == 2
    assert counts[slow_zoom].mean() / counts[~slow_zoom].mean() == pytest.approx(SLOW_ZOOM_ODDS, rel=0.1)
    assert counts[~slow_zoom].max() < 1.3 * counts[~slow_zoom].min()


def test_captions_say_what_the_clip_shows_and_a_slow_zoom_in_may_go_unnamed(pool: LatentPool) -> None:
    batch = pool.draw(600, np.random.default_rng(0), text_dropout=0.0)
    unnamed = 0
    for number, words, path in zip(batch.clips[:, 0, 0, 0, 0].int(), batch.captions, batch.paths, strict=True):
        move, speed = MOVES[pool.moves[number]], SPEEDS[pool.speeds[number]]
        assert path == path_of(move, speed)
        if asked_move(words) is None:
            assert (move, speed) == (CameraMove.ZOOM_IN, CameraSpeed.SLOW)
            unnamed += 1
        else:
            assert asked_move(words) is move
            assert move is CameraMove.STATIC or camera_request(words).speed is speed
    assert unnamed > 20
