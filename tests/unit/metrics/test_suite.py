"""One pass over a clip gives every metric, or says why not."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
from real_media import media

from reelops.camera.moves import CameraMove
from reelops.clip import ClipFormat
from reelops.errors import PictureError, SettingsError, VideoError
from reelops.metrics.asked import ASKED_METRICS
from reelops.metrics.catalogue import METRICS
from reelops.metrics.motion.temporal_consistency import TemporalConsistency
from reelops.metrics.scores import Scores
from reelops.metrics.settings import ScoreSettings, load_score_settings
from reelops.metrics.suite import score_clip, score_frames
from reelops.metrics.tracker import Measure
from reelops.params import load_config

SETTINGS = ScoreSettings(temporal_engine="tvl1", temporal_rows=160, temporal_scale=120.0)
QUICK = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=110.0)
EIGHT = Fraction(8)
Film = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def pan(filmed: Film) -> np.ndarray:
    return filmed(CameraMove.PAN_LEFT, num_frames=9)


@pytest.fixture(scope="module")
def scores(pan: np.ndarray) -> Scores:
    return score_frames(iter(pan), EIGHT, pan[0], "a wall of caps, the camera pans left", SETTINGS)


def test_every_metric_has_a_value_and_says_how_it_was_measured(scores: Scores) -> None:
    asked_for_by_name = {*ASKED_METRICS, "picture_consistency"}
    assert set(scores) == set(METRICS) - asked_for_by_name
    assert [name for name in METRICS if name in scores] == list(scores), "shown in another order than listed"
    assert [name for name, value in scores.items() if value is None] == ["broken_parts", "naturalness"]
    assert scores.measures["naturalness"].reason == "it takes 24 frames, 8 a second, and the clip has 9"
    assert all(measure.how for measure in scores.measures.values())
    assert "tvl1 flow at 160 rows" in scores.measures["temporal_consistency"].how


def test_asked_and_measured_move_are_both_there(scores: Scores) -> None:
    assert scores.asked_move is CameraMove.PAN_LEFT
    assert scores.measured_move is CameraMove.PAN_LEFT


def test_suite_agrees_with_the_metric_alone(
    pan: np.ndarray, scores: Scores, track: Callable[..., dict[str, Measure]]
) -> None:
    alone = track(TemporalConsistency("tvl1", 160, 120.0), pan)
    assert scores["temporal_consistency"] == alone["temporal_consistency"].value
    assert scores["first_frame_fidelity"] == 100.0


def test_json_is_plain_and_complete(scores: Scores) -> None:
    facts = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert facts["scores"] == dict(scores)
    assert facts["camera"]["measured"] == "pan_left" and facts["camera"]["asked"] == "pan_left"
    assert facts["format"] == {"num_frames": 9, "fps": "8", "width": 240, "height": 160}


def test_without_a_picture_the_reason_is_given(pan: np.ndarray) -> None:
    scores = score_frames(pan[:3], EIGHT, None, None, SETTINGS)
    for name in ("first_frame_fidelity", "content_kept"):
        assert scores[name] is None
        assert scores.measures[name].reason == "no picture was given"
    assert scores.asked_move is None


def test_series_hold_a_value_a_frame_or_a_pair(scores: Scores) -> None:
    assert len(scores.measures["sharpness"].series or ()) == 9
    assert len(scores.measures["motion"].series or ()) == 8


def test_scores_do_not_depend_on_threads_process_or_what_was_scored_before(pan: np.ndarray) -> None:
    threads = cv2.getNumThreads()
    try:
        answers = []
        for count in (1, 4):
            cv2.setNumThreads(count)
            answers.append(score_frames(pan[:5], EIGHT, pan[0], None, QUICK).to_json())
            score_frames(pan[::-1], EIGHT, None, None, QUICK)
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(threads)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        answers.append(process.submit(score_frames, pan[:5], EIGHT, pan[0], None, QUICK).result().to_json())
    assert answers[0] == answers[1] == answers[2]


def test_frames_are_let_go_of_as_they_pass(pan: np.ndarray) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal most
        for number in range(40):
            frame = pan[number % len(pan)].copy()
            alive.append(weakref.ref(frame))
            most = max(most, sum(reference() is not None for reference in alive))
            yield frame

    score_frames(frames(), EIGHT, None, None, QUICK)
    # The first one is kept for the picture, and the last step is being looked at.
    assert most <= 5


def test_progress_is_told_frame_by_frame(pan: np.ndarray) -> None:
    told: list[int] = []
    score_frames(pan[:3], EIGHT, None, None, SETTINGS, told.append)
    assert told == [1, 2, 3]


def test_too_few_or_uneven_frames_are_refused(pan: np.ndarray) -> None:
    with pytest.raises(VideoError, match="no frame"):
        score_frames([], EIGHT, None, None, SETTINGS)
    with pytest.raises(VideoError, match="only one frame"):
        score_frames(pan[:1], EIGHT, None, None, SETTINGS)
    with pytest.raises(VideoError, match="Frame 2 is 120x80, the first one 240x160"):
        score_frames([pan[0], pan[0][::2, ::2]], EIGHT, None, None, SETTINGS)


def test_hardest_real_file_is_consistent_at_the_shipped_scale(repository: Path) -> None:
    settings = load_score_settings(load_config(params_file=repository / "params.yaml"))
    scores = score_clip(media("cogvideo-example-horse.mp4"), None, None, settings)
    assert scores.format == ClipFormat(49, EIGHT, 720, 480)
    assert (scores["temporal_consistency"] or 0) >= 0.6
    assert scores["motion"] == pytest.approx(19, abs=1)


def test_files_that_are_no_videos_are_refused_by_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    with pytest.raises(VideoError, match=r"notes\.mp4 is not a video"):
        score_clip(text, None, None, SETTINGS)
    with pytest.raises(VideoError, match=r"absent\.mp4"):
        score_clip(tmp_path / "absent.mp4", None, None, SETTINGS)


def test_files_that_are_no_pictures_are_refused_by_name(pan: np.ndarray, tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("not a picture")
    with pytest.raises(PictureError, match=r"notes\.png is a text file, not a picture"):
        score_frames(pan[:2], EIGHT, text, None, SETTINGS)


def test_shipped_settings_are_valid(repository: Path) -> None:
    assert load_score_settings(load_config(params_file=repository / "params.yaml")).temporal_rows == 160


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("score: {temporal_engine: raft, temporal_rows: 160, temporal_scale: 9}", r"score\.temporal_engine is 'raft'"),
        ("score: {temporal_engine: dis, temporal_rows: many, temporal_scale: 9}", r"score\.temporal_rows is 'many'"),
        ("score: {temporal_engine: dis, temporal_rows: 160, temporal_scale: 0}", r"score\.temporal_scale is 0"),
        ("score: {temporal_engine: dis, temporal_rows: 160}", r"score\.temporal_scale: field required"),
        ("[1", "not valid YAML"),
    ],
)
def test_unusable_settings_are_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_score_settings(load_config(params_file=file))
