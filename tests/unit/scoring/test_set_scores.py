"""What is said of a set rests on features that its clips have; where it cannot be said, it is said why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reelops.metrics.sets import set_diversity
from reelops.scoring.comparison.set_scores import FEATURES, distance_between, diversity_of
from reelops.scoring.plots import summary
from reelops.scoring.scored_clip import ScoredClip


def with_features(clip: ScoredClip, **features: np.ndarray) -> ScoredClip:
    kept = {name: tuple(vector.tolist()) for name, vector in features.items()}
    return replace(clip, scores=replace(clip.scores, features=kept))


def by_name(scores):
    return {score.features: score for score in scores}


def test_scored_clips_have_a_diversity_by_appearance_and_none_without_weights(scored):
    told = by_name(diversity_of(scored))
    vectors = np.array([clip.scores.features["appearance"] for clip in scored if clip.scores])
    assert told["appearance"].value == pytest.approx(set_diversity(vectors).value)
    assert told["appearance"].samples == (2,)
    assert list(told) == list(FEATURES)
    for name, metric in (("dino", "subject_consistency"), ("clip", "background_consistency")):
        assert told[name].value is None
        assert f"not available: no {name.upper()} features" in told[name].finding
        assert f"--also {metric}" in told[name].finding


def test_too_few_clips_and_scores_of_earlier_days_are_told_apart(scored):
    good = scored[2]
    told = by_name(diversity_of([good]))
    assert told["appearance"].finding == "not available: Diversity takes at least two clips; there is 1. Give more."
    old = with_features(good)
    assert "--fresh" in by_name(diversity_of([old, old]))["appearance"].finding
    assert "there is 0" in by_name(diversity_of([ScoredClip(Path("a.mp4"), error="broken")]))["appearance"].finding
    few = by_name(distance_between(scored, scored))["appearance"]
    assert few.value is None and "at least 50 clips a set; here are 2 and 2" in few.finding


def test_a_distance_comes_with_what_chance_gives(scored):
    rng = np.random.default_rng(0)
    one, other = (
        [with_features(scored[2], appearance=rng.normal(shift, 1, 12), dino=rng.normal(0, 1, 7)) for _ in range(50)]
        for shift in (0, 1)
    )
    told = by_name(distance_between(one, other))
    assert "the sets differ" in told["appearance"].finding and told["appearance"].details["chance_of_more"] < 0.05
    assert "no difference shown" in told["dino"].finding and told["dino"].samples == (50, 50)
    assert told["dino"].details["dimensions"] == 5


def test_the_summary_holds_the_set(scored):
    told = summary(scored)["set"]["set_diversity"]
    assert told["appearance"]["value"] > 0 and told["clip"]["finding"].startswith("not available: ")
