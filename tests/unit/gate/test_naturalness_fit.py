"""The model is learnt from others' sources and families than those it is tried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reelops.errors import InputError
from reelops.gate.naturalness.fit import GOOD, Sample, fit, leave_one_family_out
from reelops.gate.naturalness.report import figures, wilson
from reelops.gate.naturalness.samples import read_samples, write_samples
from reelops.metrics.naturalness.kinds import KINDS

NAMES = ("ghost_a", "geo_b", "speed_c")


def made(seed: int = 0) -> list[Sample]:
    """Twenty good sources of three numbers, and two families that push one of them up, or down."""
    rng = np.random.default_rng(seed)
    samples = []
    for source in range(20):
        for version in range(3):
            numbers = dict(zip(NAMES, rng.normal(0, 1, 3).tolist(), strict=True))
            samples.append(Sample(f"clip {source}", GOOD, f"version {version}", 0, numbers))
        for strength in range(3):
            numbers = dict(zip(NAMES, rng.normal(0, 1, 3).tolist(), strict=True))
            samples.append(
                Sample(f"clip {source}", "up", "a up", strength, {**numbers, "ghost_a": 5.0 * (strength + 1)})
            )
            samples.append(
                Sample(f"clip {source}", "down", "b down", strength, {**numbers, "geo_b": -5.0 * (strength + 1)})
            )
    return samples


def test_kinds_that_faults_push_out_of_range_count_more_than_others() -> None:
    weight = dict(zip(KINDS, fit(made()).weight_K, strict=True))
    assert min(weight["ghosts"], weight["shape"]) > 2 * weight["pace"] > 0
    assert min(weight.values()) >= 0


def test_the_p_values_of_good_clips_are_spread_evenly() -> None:
    model = fit(made())
    fresh = [one for one in made(seed=1) if one.family == GOOD]
    shares = np.array([model.p_value(model.oddness(one.numbers)[0]) for one in fresh])
    assert 0.02 < (shares < 0.2).mean() < 0.4


def test_a_family_that_was_left_out_is_found_only_by_what_others_taught() -> None:
    samples = [one for one in made() if one.family in (GOOD, "up")]
    like = [Sample(one.source, "like it", "a up, too", 2, one.numbers) for one in samples if one.family == "up"]
    found = figures(leave_one_family_out([*samples, *like]), limit=0.1)
    assert found["families"]["like it"]["share"] > 0.8
    both = figures(leave_one_family_out(made()), limit=0.1)
    assert both["families"]["up"]["of"] == both["families"]["down"]["of"] == 60
    assert both["good"]["sources"] == 20 and both["good"]["false_share"] < 0.3


def test_learning_needs_good_clips_of_two_sources_and_faults() -> None:
    with pytest.raises(ValueError, match="at least two sources"):
        fit([one for one in made() if one.family == GOOD])


def test_an_interval_holds_the_share_and_narrows_with_the_count() -> None:
    low, high = wilson(9, 10)
    assert low == pytest.approx(0.596, abs=0.001) and high == pytest.approx(0.982, abs=0.001)
    assert wilson(900, 1000)[0] > low and wilson(0, 0) == (0, 1)


def test_samples_come_back_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    write_samples(made(), file)
    assert read_samples(file) == made()
    file.write_text("{")
    with pytest.raises(InputError, match=r"samples\.jsonl"):
        read_samples(file)
