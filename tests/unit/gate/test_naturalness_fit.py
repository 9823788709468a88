"""The model is learnt from others' sources and families than those it is tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scarcity import files_no_larger_than

from reelops.errors import InputError, MachineError
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


def of_sources(count: int) -> list[Sample]:
    return [one for one in made() if int(one.source.removeprefix("clip ")) < count]


@pytest.mark.parametrize(
    "samples",
    [
        [],
        of_sources(2),
        [one for one in made() if one.family == GOOD],
        [one for one in made() if one.family != "up"],
        [one for one in made() if one.family != GOOD],
    ],
    ids=["nothing", "two sources", "no faults", "one family", "nothing good"],
)
def test_too_little_to_learn_from_is_one_line_for_a_person(samples: list[Sample]) -> None:
    with pytest.raises(InputError, match=r"too little to learn from: good clips of 3 sources.*two families"):
        leave_one_family_out(samples)


def test_three_sources_and_two_families_are_enough() -> None:
    assert leave_one_family_out(of_sources(3)) and fit(of_sources(3)).good_G.size == 9


def test_samples_of_other_numbers_teach_nothing_together() -> None:
    others = [replace(one, numbers={"shake": 1.0}) for one in made()[:5]]
    with pytest.raises(InputError, match="no number in common"):
        fit([*made(), *others])


def test_an_interval_holds_the_share_and_narrows_with_the_count() -> None:
    low, high = wilson(9, 10)
    assert low == pytest.approx(0.596, abs=0.001) and high == pytest.approx(0.982, abs=0.001)
    assert wilson(900, 1000)[0] > low and wilson(0, 0) == (0, 1)


def test_samples_come_back_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    write_samples(made(), file)
    assert read_samples(file) == made()


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:-9],
        lambda line: line.replace('"strength": 0', '"strength": 7'),
        lambda line: line.replace('"strength": 0', '"strength": "low"'),
        lambda line: line.replace("ghost_a", "no_such_number"),
        lambda line: line.replace('"family": "good", ', ""),
        lambda _: '["good"]',
        lambda _: '{"a":' * 5000,
        lambda _: "\udce9",
    ],
    ids=["cut", "no such strength", "text", "no such number", "a field too few", "a list", "deep", "no UTF-8"],
)
def test_samples_that_are_none_are_refused_in_a_line_that_names_their_file(
    damage: Callable[[str], str], tmp_path: Path
) -> None:
    file = tmp_path / "samples.jsonl"
    write_samples(made()[:1], file)
    file.write_text(damage(file.read_text()), errors="surrogateescape")
    with pytest.raises(InputError, match=r"^.*samples\.jsonl is damaged: .*$"):
        read_samples(file)


def test_samples_that_find_no_room_leave_the_earlier_ones(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    write_samples(made()[:1], file)
    with files_no_larger_than(1000), pytest.raises(MachineError, match="Free some space"):
        write_samples(made(), file)
    assert read_samples(file) == made()[:1]
