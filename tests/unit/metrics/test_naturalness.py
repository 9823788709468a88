"""A spoilt clip is unnatural, and says where; a good one is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filmed import measures_of, spoilt
from real_media import media

from reelops.errors import SettingsError
from reelops.gate.naturalness.samples import numbers_of
from reelops.metrics.naturalness import model as module
from reelops.metrics.naturalness.kinds import KINDS, kind_of, words_of
from reelops.metrics.naturalness.model import GIVEN, Given, Model, Odd, Ranges, shipped_digest, shipped_model
from reelops.metrics.naturalness.naturalness import Naturalness
from reelops.metrics.tracker import Measure
from reelops.params import load_config
from reelops.production.producer import build_producer
from reelops.video.decode import read_clip

EIGHT = Fraction(8)


def measured(frames: np.ndarray, fps: Fraction = EIGHT) -> Measure:
    return measures_of(Naturalness(fps), frames)["naturalness"]


@pytest.fixture(scope="module")
def kitten() -> np.ndarray:
    return read_clip(media("cogvideo-example-kitten.mp4"), size=(480, 320))


def test_a_filmed_clip_is_natural(kitten: np.ndarray) -> None:
    assert (measured(kitten).value or 0) > 0.2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mosaic", ""),
        ("frozen side", "a part stands still"),
        ("burning", ""),
    ],
)
def test_a_spoilt_clip_is_not_and_what_is_odd_is_said(kitten: np.ndarray, name: str, words: str) -> None:
    found = measured(spoilt(kitten, name, 2))
    assert (found.value or 0) < 0.15 and found.evidence
    assert words in found.evidence


def test_a_clip_of_three_times_the_rate_is_looked_at_eight_times_a_second(kitten: np.ndarray) -> None:
    assert measured(np.repeat(kitten, 3, axis=0), 3 * EIGHT).value == measured(kitten).value


def test_of_a_long_clip_the_worst_six_seconds_count(kitten: np.ndarray) -> None:
    bad = spoilt(kitten, "mosaic", 2)
    long = measured(np.concatenate([kitten, bad]))
    assert (long.value or 0) < 0.2 and long.value == pytest.approx(1 - (1 - (measured(bad).value or 0)) ** 2)


def test_a_clip_that_is_too_short_or_too_small_is_not_judged(kitten: np.ndarray) -> None:
    short, small = measured(kitten[:9]), measured(kitten[:, ::4, ::4])
    assert short.value is None and not short.applies and "24 frames" in (short.reason or "")
    assert small.value is None and not small.applies and "96 pixels" in (small.reason or "")


@pytest.fixture
def model() -> Model:
    one, two = np.ones(2), np.full(2, 2.0)
    weights = np.array([{"ghosts": 1.0, "shape": 3.0}.get(kind, 0.0) for kind in KINDS])
    ranges = Ranges(("ghost_a", "geo_b"), -one, one, two)
    return Model(ranges, weights, np.array([0.0, 0.0, 1.0, 4.0]), np.array([1.0, 0.8, 0.6, 0.2]))


def test_oddness_adds_up_what_lies_outside_the_ranges(model: Model) -> None:
    oddness, odd = model.oddness({"ghost_a": 2.0, "geo_b": -3.0})
    assert oddness == pytest.approx(1 * 0.5 + 3 * 1.0)
    assert odd == (Odd("shape", "geo_b"), Odd("ghosts", "ghost_a"))
    assert model.oddness({"ghost_a": 1.0, "geo_b": -1.0}) == (0, ()) and model.oddness({})[0] == 0
    assert model.oddness({"geo_b": 1e9})[0] == 3 * 3.0


def test_what_is_odd_in_a_quiet_scene_is_less_so_in_a_wild_one() -> None:
    one, two = np.ones(2), np.full(2, 2.0)
    # The more of the flow is confirmed, the less is unexplained: by three for a spread of 0.1.
    given = Given(0.8, 0.1, np.array([0.0, -3.0]), -one, one, two)
    ranges = Ranges((GIVEN, "res_x"), -one, one, two, given)
    wild, quiet = ranges.odd(np.array([[0.7, 3.0], [0.9, 3.0]]))[:, 1]
    assert (wild, quiet) == (pytest.approx((1 + 0) / 2), pytest.approx((1 + 2.5) / 2))
    assert ranges.odd(np.array([[np.nan, 3.0]]))[0, 1] == pytest.approx(1)


def test_every_number_of_a_clip_speaks_of_a_kind_that_has_words(kitten: np.ndarray) -> None:
    assert {words_of(kind_of(name)) for name in numbers_of(kitten[:9])} <= {words_of(kind) for kind in KINDS}


def test_the_p_value_is_the_share_of_good_clips_that_are_as_odd(model: Model) -> None:
    assert [model.p_value(oddness) for oddness in (0, 1, 4)] == [1.0, 0.6, 0.2]
    beyond = [model.p_value(oddness) for oddness in (4.5, 6, 20)]
    assert 0.2 > beyond[0] > beyond[1] > beyond[2] > 0


def test_a_model_comes_back_from_its_file_as_it_was(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text(model.to_json())
    again = Model.read(file)
    numbers = {"ghost_a": 3.0, "geo_b": 4.0}
    assert again.ranges.names == model.ranges.names and again.p_value(2.5) == model.p_value(2.5)
    assert again.oddness(numbers) == model.oddness(numbers)
    one, two = np.ones(2), np.full(2, 2.0)
    given = Given(0.8, 0.1, np.array([0.0, -3.0]), -one, one, two)
    wild = replace(model, ranges=Ranges((GIVEN, "res_x"), -one, one, two, given))
    file.write_text(wild.to_json())
    numbers = {GIVEN: 0.7, "res_x": 9.0}
    assert Model.read(file).oddness(numbers) == wild.oddness(numbers)


@pytest.mark.parametrize(
    "damage",
    [
        lambda facts: {**facts, "numbers (low, high, width)": {"ghost_a": [1, 2]}},
        lambda facts: {**facts, "numbers (low, high, width)": {}},
        lambda facts: {**facts, "numbers (low, high, width)": {"ghost_a": [1, 2, 0]}},
        lambda facts: {**facts, "numbers (low, high, width)": {"no_such_number": [1, 2, 1]}},
        lambda facts: {**facts, "weights": {}},
        lambda facts: {**facts, "good clips (oddness, share as odd)": []},
        lambda facts: {**facts, "more": 1},
        lambda facts: list(facts),
    ],
)
def test_a_damaged_model_is_named(damage: Callable[[dict[str, Any]], Any], model: Model, tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text(json.dumps(damage(json.loads(model.to_json()))))
    with pytest.raises(SettingsError, match=r"model\.json is damaged; install ReelOps again"):
        Model.read(file)


def test_without_the_model_scores_have_no_key_and_no_clip_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.shipped_model.cache_clear()
    module.shipped_digest.cache_clear()
    monkeypatch.setattr(module, "shipped_folder", lambda: tmp_path)
    for use in (shipped_digest, lambda: build_producer(load_config())):
        with pytest.raises(SettingsError, match=r"There is no .*model\.json.*Install ReelOps again"):
            use()


def test_the_shipped_model_is_small_and_knows_many_sources() -> None:
    assert len(shipped_model().good_G) >= 40 and shipped_model().share_G[0] == pytest.approx(1)
