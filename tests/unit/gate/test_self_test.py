"""The gate, with the limits that ship, is shown good clips and degenerate versions of them, and errs on none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from footage import write_clip
from PIL import Image
from real_media import media

from reelops.camera.moves import CameraMove, CameraSpeed, film, path_of
from reelops.errors import VideoError
from reelops.gate.decision import Decision
from reelops.gate.degenerate_clips import CASES
from reelops.gate.faults.catalogue import every_fault
from reelops.gate.limits import load_gate_settings
from reelops.gate.self_test import (
    SMALLEST_SIDE,
    ClipTest,
    SelfTestRow,
    _in_product_format,
    calibration,
    self_test,
    self_test_clips,
)
from reelops.gate.verdict import judge
from reelops.metrics.settings import ScoreSettings
from reelops.params import load_config
from reelops.progress import Event, Progress, RunContext
from reelops.video.decode import read_clip

EIGHT = Fraction(8)
# DIS at few rows in place of TV-L1: temporal consistency alone decides nothing here.
FAST = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=110.0)
SIZE = 240, 160

# What each degenerate clip must be turned away for; others may come on top.
TELLING = {
    "frozen": "motion",
    "frozen with noise": "frame_disorder",
    "global flicker": "flicker",
    "3 px boiling": "boiling",
    "shuffled": "frame_disorder",
    "dropped and repeated frames": "stutter",
    "hard cut": "scene_cut",
    "black frames": "black_share",
    "strong blocking": "blockiness",
    "pure noise": "scene_cut",
    "constant pan": "own_motion",
    "accelerating pan": "own_motion",
}


def filmed(repository: Path, name: str, move: CameraMove, speed: CameraSpeed) -> np.ndarray:
    """A camera move over a picture that ships, 25 frames."""
    with Image.open(repository / "data" / "samples" / name) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    height, width = pixels.shape[:2]
    box_width = min(width, height * 1.5) * 0.7
    box = ((width - box_width) / 2, (height - box_width / 1.5) / 2, box_width, box_width / 1.5)
    return film(pixels, box, path_of(move, speed), SIZE, np.linspace(0, 1, 25))


@pytest.fixture(scope="module")
def rows_of_generated(repository: Path) -> list[SelfTestRow]:
    """Of a generated clip: a row for each case, and one for a fault that was asked for beside them."""
    frames = read_clip(media("cogvideox-generated-3.mp4"), size=SIZE)[:25]
    limits = load_gate_settings(load_config(params_file=repository / "params.yaml")).limits_of("default")
    mosaic = next(one for one in every_fault() if one.fault.name == "mosaic")
    return list(self_test(frames, EIGHT, FAST, limits, faults=(mosaic,)))


@pytest.fixture(scope="module", params=["coffee, zoom in", "rocket, pan left", "a generated clip"])
def rows(request: pytest.FixtureRequest, repository: Path) -> dict[str, SelfTestRow]:
    if request.param == "a generated clip":
        every = request.getfixturevalue("rows_of_generated")
        return {row.name: row for row in every if row.family is None}
    if request.param == "coffee, zoom in":
        frames = filmed(repository, "coffee.jpg", CameraMove.ZOOM_IN, CameraSpeed.NORMAL)
    else:
        frames = filmed(repository, "rocket.jpg", CameraMove.PAN_LEFT, CameraSpeed.FAST)
    limits = load_gate_settings(load_config(params_file=repository / "params.yaml")).limits_of("default")
    return {row.name: row for row in self_test(frames, EIGHT, FAST, limits)}


def test_no_bad_clip_is_accepted_and_no_good_one_rejected(rows: dict[str, SelfTestRow]) -> None:
    assert list(rows) == [case.name for case in CASES]
    wrong = {name: [str(reason) for reason in row.verdict.reasons] for name, row in rows.items() if not row.passed}
    assert wrong == {}


def test_each_bad_clip_is_turned_away_for_what_is_wrong_with_it(rows: dict[str, SelfTestRow]) -> None:
    assert set(TELLING) == {case.name for case in CASES if not case.good}
    for name, metric in TELLING.items():
        assert metric in [reason.metric for reason in rows[name].verdict.reasons], (name, rows[name].verdict.reasons)


def test_clean_camera_moves_are_accepted_where_they_were_asked_for(
    rows: dict[str, SelfTestRow], repository: Path
) -> None:
    limits = load_gate_settings(load_config(params_file=repository / "params.yaml")).limits_of("default")
    for name in ("as it is", "constant pan", "accelerating pan"):
        asked = replace(rows[name].scores, asked_move=rows[name].scores.measured_move)
        # The pans look at a part of a frame, enlarged, which may well be soft, and softer than photographs are.
        excused = ("sharpness", "naturalness")
        assert [reason for reason in judge(asked, limits).reasons if reason.metric not in excused] == [], name


def test_a_row_tells_whether_the_gate_was_right(rows: dict[str, SelfTestRow]) -> None:
    row = rows["frozen"]
    facts = row.to_json()
    assert facts["name"] == "frozen" and facts["expected"] == "bad" and facts["passed"] is True
    assert facts["verdict"]["decision"] == "reject" and facts["scores"]["motion"] == 0


def test_further_faults_are_tried_when_they_are_asked_for_and_a_few_may_slip_through(
    rows_of_generated: list[SelfTestRow],
) -> None:
    *known, row = rows_of_generated
    assert (row.name, row.family, row.strength, row.expected) == ("mosaic, 12 px", "resolution", 1, "bad")
    accepted = replace(row, verdict=replace(row.verdict, decision=Decision.ACCEPT))
    stopped = replace(row, verdict=replace(row.verdict, decision=Decision.REVIEW))
    assert ClipTest(Path("a.mp4"), (*known, *[stopped] * 9, accepted)).passed
    assert not ClipTest(Path("a.mp4"), (*known, *[stopped] * 8, accepted, accepted)).passed


def test_a_calibration_sums_up_verdicts_and_the_values_behind_every_limit(
    rows: dict[str, SelfTestRow], repository: Path
) -> None:
    limits = load_gate_settings(load_config(params_file=repository / "params.yaml")).limits_of("default")
    table = calibration({"one": list(rows.values()), "the same again": list(rows.values())}, limits)
    assert table["versions"]["frozen"] == {"expected": "bad", "accept": 0, "review": 0, "reject": 2}
    assert table["wrong"] == [] and set(table["limits"]) == set(limits.metrics)
    blocky = rows["strong blocking"].scores["blockiness"]
    assert table["limits"]["blockiness"]["values"]["strong blocking"] == [blocky] * 3
    assert table["limits"]["frame_disorder"]["values"]["frozen"] == []
    assert table["limits"]["blockiness"]["limit"] == {"review_above": 1.5, "reject_above": 2.2}
    assert json.loads(json.dumps(table, allow_nan=False)) == table


@pytest.fixture
def small(repository: Path) -> np.ndarray:
    frames = filmed(repository, "coffee.jpg", CameraMove.PAN_RIGHT, CameraSpeed.NORMAL)[:12]
    return np.stack([cv2.resize(frame, (60, 40), interpolation=cv2.INTER_AREA) for frame in frames])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_version_has_the_clips_shape_and_follows_from_its_seed(small: np.ndarray, case: object) -> None:
    make: Callable[..., np.ndarray] = case.make  # type: ignore[attr-defined] # of cases that are made
    before = small.copy()
    once, again = (make(small, np.random.default_rng([0, 1])) for _ in range(2))
    assert once.shape == small.shape and once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(small, before)


def test_versions_are_what_their_names_say(small: np.ndarray) -> None:
    def make(name: str) -> np.ndarray:
        return next(case.make for case in CASES if case.name == name)(small, np.random.default_rng(3))

    assert len(np.unique(make("frozen"), axis=0)) == 1
    assert sorted(frame.tobytes() for frame in make("shuffled")) == sorted(frame.tobytes() for frame in small)
    repeats = [
        np.array_equal(one, other)
        for one, other in zip(
            make("dropped and repeated frames")[1:], make("dropped and repeated frames"), strict=False
        )
    ]
    assert sum(repeats) == 4
    black = make("black frames").reshape(12, -1).max(axis=1) == 0
    assert black.sum() == 1 and not black[0]
    noise = make("frozen with noise").astype(float) - make("frozen")
    assert noise.std() == pytest.approx(12, rel=0.05)
    gains = make("global flicker").reshape(12, -1).mean(axis=1) / small.reshape(12, -1).mean(axis=1)
    assert 0.89 < gains.min() < 0.97 and 1.03 < gains.max() < 1.11


def test_a_clip_that_cannot_be_read_says_so_and_is_counted(repository: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    limits = load_gate_settings(load_config(params_file=repository / "params.yaml")).limits_of("default")
    events: list[Event] = []
    (test,) = self_test_clips([text], FAST, limits, RunContext(events.append), workers=1)
    assert not test.passed and test.rows == () and "not a video" in (test.error or "")
    assert isinstance(events[-1], Progress) and events[-1].done == events[-1].total == len(CASES)


@pytest.mark.parametrize(
    ("size", "frames", "told"),
    [((16, 16), 9, "16x16 at most 480 rows; 24 pixels a side"), ((16, 2000), 3, "4x480"), ((64, 64), 1, "1 frame")],
)
def test_a_clip_too_small_or_short_to_be_spoilt_is_named(
    size: tuple[int, int], frames: int, told: str, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", np.zeros((frames, size[1], size[0], 3), np.uint8)).path
    with pytest.raises(VideoError, match=rf"clip\.mp4 .*{told}"):
        _in_product_format(clip)


def test_every_version_can_be_made_of_the_smallest_clip() -> None:
    smallest = np.random.default_rng(0).integers(0, 256, (2, SMALLEST_SIDE, SMALLEST_SIDE, 3), dtype=np.uint8)
    made = [case.make(smallest, np.random.default_rng(0)) for case in CASES]
    made += [
        one.fault.make(smallest, one.fault.strengths[strength], np.random.default_rng(0))
        for strength in range(3)
        for one in every_fault(strength)
    ]
    assert {one.shape[1:] for one in made} == {smallest.shape[1:]}
