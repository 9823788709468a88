"""Carrying detail is measured beside the truth, and its targets say what was found."""

from __future__ import annotations

import pytest

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.detail.case import DETAIL
from reelops.benchmark.cases.detail.truth import TRUTH, measure_truth
from reelops.progress import QUIET


def test_a_clip_is_rebuilt_beside_bicubic_and_the_true_frames(bench: Bench) -> None:
    found = measure_truth(bench, QUIET)
    (row,) = found["clips"]
    assert row["gain"] == pytest.approx(row["psnr"] - row["psnr_bicubic"]) == found["least_gain"]
    assert 0 <= row["share"] <= 1 and row["ssim"] > 0.5
    assert row["warping_error_true"] >= 0 and row["flicker_true"] >= 0
    least, mean, *_ = TRUTH.targets(found)
    assert (least.measured, mean.measured) == (found["least_gain"], found["mean_gain"])
    assert next(table.title for table in TRUTH.tables(found)).startswith("Real clips at 240x160")


def test_the_parts_have_names_of_their_own() -> None:
    assert [part.name for part in DETAIL.parts] == ["truth", "embedded", "time"]
