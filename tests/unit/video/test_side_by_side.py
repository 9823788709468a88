"""Two clips in one picture."""

from __future__ import annotations

import numpy as np
import pytest

from reelops.errors import VideoError
from reelops.video.side_by_side import side_by_side


def clip(level: int, frames: int = 3, width: int = 96) -> np.ndarray:
    return np.full((frames, 64, width, 3), level, np.uint8)


def test_both_stand_beside_each_other_untouched_under_their_labels():
    frames = list(side_by_side(clip(90), clip(200), ("base", "adapter"), gap=4))
    assert len(frames) == 3
    height, width, _ = frames[0].shape
    assert (height, width) == (64 + 16, 96 + 4 + 96)
    assert (frames[0][16:, :96] == 90).all() and (frames[0][16:, 100:] == 200).all()
    header = frames[0][:16]
    assert header[:, :96].max() > 150 and header[:, 100:].max() > 150, "both have words"
    assert (header[:, 80:100] == header[0, 90]).all(), "and the gap has none"


def test_clips_that_do_not_go_together_are_refused():
    with pytest.raises(VideoError, match="96x64 on the left and 48x64 on the right"):
        list(side_by_side(clip(90), clip(90, width=48), ("base", "adapter")))
    with pytest.raises(VideoError, match="fewer frames"):
        list(side_by_side(clip(90), clip(90, frames=2), ("base", "adapter")))
