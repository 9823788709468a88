"""Comparing two folders: clips find their partners, intervals are right, findings follow each metric's direction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reelops.errors import InputError
from reelops.metrics.scores import Scores
from reelops.scoring.comparison.paired import LEAST_PAIRS, bootstrap_interval, compare
from reelops.scoring.scored_clip import ScoredClip


@pytest.fixture(scope="module")
def good(scored) -> ScoredClip:
    return scored[2]


def like(clip: ScoredClip, path: str, **values: float | None) -> ScoredClip:
    """The clip under another name, with other values of some metrics."""
    measures = {
        name: replace(measure, value=values.get(name, measure.value)) for name, measure in clip.scores.measures.items()
    }
    return replace(clip, path=Path(path), scores=replace(clip.scores, measures=measures))


def folders(clip: ScoredClip, count: int, change: float) -> tuple[list[ScoredClip], list[ScoredClip]]:
    rng = np.random.default_rng(1)
    base, noise = rng.normal(10, 2, count), rng.normal(0, 0.1, count)
    old = [like(clip, f"old/{n}.mp4", sharpness=base[n], flicker=base[n], contrast=base[n]) for n in range(count)]
    values = base + change + noise
    new = [like(clip, f"new/{n}.mov", sharpness=values[n], flicker=values[n], contrast=values[n]) for n in range(count)]
    return new, old


def found(comparison, metric):
    return next(one for one in comparison.differences if one.metric == metric)


def test_the_interval_is_that_of_means_drawn_one_by_one():
    values = np.random.default_rng(3).gamma(2.0, size=40)
    rng = np.random.default_rng(1)
    means = [rng.choice(values, len(values)).mean() for _ in range(20_000)]
    low, high = bootstrap_interval(values)
    assert (low, high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=0.03)
    assert bootstrap_interval(values) == (low, high), "the same numbers give the same interval"


def test_equal_differences_leave_no_doubt():
    assert bootstrap_interval(np.full(8, 3.0)) == (3.0, 3.0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(60):
        low, high = bootstrap_interval(rng.normal(1.0, 1.0, 30))
        covered += low <= 1.0 <= high
    assert covered >= 51  # 95% of 60 is 57; below 51 has a chance of less than 1 in 200


def test_findings_follow_the_direction_of_each_metric(good):
    comparison = compare(*folders(good, 12, change=1.0), Path("new"), Path("old"))
    sharpness = found(comparison, "sharpness")
    assert sharpness.low < 1.0 < sharpness.high and sharpness.num_pairs == 12
    assert sharpness.finding == "better"
    assert found(comparison, "flicker").finding == "worse"
    assert found(comparison, "contrast").finding == "higher"
    assert found(comparison, "brightness").finding == "no difference shown"


def test_pairing_sees_what_two_separate_means_would_not(good):
    """The clips differ by 2, the pairs by 0.1: a shift of 0.2 is found."""
    assert found(compare(*folders(good, 12, change=0.2), Path("new"), Path("old")), "sharpness").finding == "better"


def test_few_pairs_are_said_to_be_few(good):
    one = found(compare(*folders(good, LEAST_PAIRS - 1, change=5.0), Path("new"), Path("old")), "sharpness")
    assert one.finding == "too few pairs" and one.low is None and one.mean > 4


def test_what_was_not_measured_is_left_out_of_its_pairs(good):
    new, old = folders(good, 8, change=1.0)
    new[3] = like(new[3], "new/3.mov", sharpness=None)
    broken = ScoredClip(Path("new/0.mov"), error="broken")
    comparison = compare([broken, *new[1:]], old, Path("new"), Path("old"))
    assert len(comparison.pairs) == 8
    assert found(comparison, "sharpness").num_pairs == 6


def test_clips_are_paired_by_their_place_in_the_folder_and_those_without_a_partner_are_named(good):
    new = [like(good, "new/a/clip.mp4"), like(good, "new/b/clip.mp4"), like(good, "new/c.mp4")]
    old = [like(good, "old/b/clip.mkv"), like(good, "old/d.mp4")]
    comparison = compare(new, old, Path("new"), Path("old"))
    assert [pair.name for pair in comparison.pairs] == ["b/clip"]
    assert comparison.only_new == ("a/clip", "c") and comparison.only_old == ("d",)


def test_folders_without_a_common_name_and_doubled_names_are_refused(good):
    with pytest.raises(InputError, match="no clip is in both places"):
        compare([like(good, "new/a.mp4")], [like(good, "old/b.mp4")], None, None)
    with pytest.raises(InputError, match="have the same name"):
        compare([like(good, "x/a.mp4"), like(good, "y/a.mp4")], [like(good, "old/a.mp4")], None, None)


def test_scores_stay_scores(good):
    assert isinstance(like(good, "a.mp4").scores, Scores)
