"""Known motion is what it says, and its error is stated at 480 rows whatever the flow's size."""

from __future__ import annotations

import numpy as np
import pytest

from reelops.benchmark.known_flow import MOTIONS, KnownMotion, end_point_error, moved_pair, true_flow


@pytest.fixture(scope="module")
def waves() -> np.ndarray:
    y, x = np.mgrid[:600, :900]
    return (128 + 60 * np.sin(x / 23) + 60 * np.cos((x - 2 * y) / 41)).astype(np.uint8)


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda motion: motion.name)
def test_second_picture_is_the_first_one_where_the_flow_leads(waves: np.ndarray, motion: KnownMotion) -> None:
    previous, following = moved_pair(waves, motion)
    flow = true_flow(motion, 480, 720)
    rows, columns = np.mgrid[100:380:7, 150:570:7]
    to = flow[rows, columns] + np.stack([columns, rows], axis=2)
    whole = np.rint(to).astype(int)
    near = np.abs(to - whole).max(axis=2) < 0.05
    seen = following[whole[..., 1], whole[..., 0]].astype(int)
    if near.any():
        assert np.abs(seen - previous[rows, columns])[near].max() <= 2


def test_truth_has_no_error_at_any_size() -> None:
    for rows in (64, 160, 480):
        flow = true_flow(MOTIONS[-1], rows, rows * 3 // 2)
        assert end_point_error(flow, MOTIONS[-1]) == 0


def test_no_flow_errs_by_the_whole_motion() -> None:
    assert end_point_error(np.zeros((160, 240, 2)), KnownMotion("", shift_x=3, shift_y=4)) == pytest.approx(5)
