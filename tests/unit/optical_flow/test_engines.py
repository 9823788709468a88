"""What stands beside the engines; the engines themselves are in tests/contracts/test_flow_contract.py."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from reelops.errors import SettingsError
from reelops.optical_flow.engines import flow_engine
from reelops.optical_flow.warp import pull_back
from reelops.optical_flow.working_size import at_rows, luma


def shifted_pair(photo: np.ndarray, rows: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Luma `rows` high, and the same with everything `shift` pixels further right."""
    gray = at_rows(luma(photo), rows)
    height, width = gray.shape
    move = np.array([[1.0, 0.0, shift], [0.0, 1.0, 0.0]])
    return gray, cv2.warpAffine(gray, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def test_pulled_back_picture_is_the_first_one(photo: np.ndarray) -> None:
    gray, moved = shifted_pair(photo, 160, 4.0)
    flow = np.zeros((*gray.shape, 2), np.float32)
    flow[..., 0] = 4.0
    warped, inside = pull_back(moved, flow)
    assert not inside[:, -4:].any() and inside[:, :-4].all()
    np.testing.assert_allclose(warped[:, :-8], gray[:, :-8], atol=1.0)


def test_unknown_engine_is_named_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"'raft'.*tvl1, tvl1-opencv, dis"):
        flow_engine("raft")
