"""Many clips: the same scores however they are measured, nothing measured twice, nobody stopped by a broken one."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from footage import filmed, write_clip
from scarcity import files_no_larger_than, no_more_open_files

from reelops.errors import Cancelled, InputError, MachineError
from reelops.metrics.scores import Scores
from reelops.progress import Event, Progress, RunContext
from reelops.scoring import batch
from reelops.scoring.batch import ScoringOrder, find_clips, in_batches, score_clips
from reelops.scoring.score_store import score_store
from reelops.scoring.scored_clip import ScoredClip, counts, exit_code
from reelops.tables.json_codec import from_plain, to_plain


def answers(clips: list[ScoredClip]) -> list[dict]:
    return [clip.to_json() for clip in clips]


# ---- which clips ----


def test_a_folder_gives_its_videos_however_deep_by_name_none_hidden_none_twice(clips_folder):
    found = find_clips([clips_folder / "zoom.mp4", clips_folder])
    assert [clip.relative_to(clips_folder).as_posix() for clip in found] == [
        "zoom.mp4",
        "broken.mp4",
        "deep/frozen.mp4",
    ]


def test_a_linked_folder_gives_its_videos_once_and_one_that_leads_back_is_noted(clips_folder, tmp_path):
    linked = tmp_path / "linked"
    (linked / "own").mkdir(parents=True)
    (linked / "there").symlink_to(clips_folder / "deep")
    (linked / "own" / "back").symlink_to(linked)
    notes: list[str] = []
    assert find_clips([linked], notes.append) == [linked / "there" / "frozen.mp4"]
    assert len(notes) == 1 and "own/back leads to" in notes[0]


def test_a_reference_is_found_however_its_accents_are_written(order, tmp_path):
    name = "caf\u00e9.mp4"
    (tmp_path / unicodedata.normalize("NFD", name)).write_bytes(b"x")
    found = replace(order, reference=tmp_path).reference_of(Path("clips") / unicodedata.normalize("NFC", name))
    assert found == tmp_path / unicodedata.normalize("NFD", name)


def test_a_folder_without_videos_is_said_to_have_none(tmp_path):
    with pytest.raises(InputError, match="holds no video"):
        find_clips([tmp_path])


# ---- what becomes of them ----


def test_a_broken_clip_is_reported_and_counted_and_stops_nothing(scored):
    broken, frozen, zoom = scored
    assert "broken.mp4 is not a video" in broken.error
    assert frozen.verdict.decision == "reject"
    assert zoom.scores is not None
    assert counts(scored)["unreadable"] == 1
    assert (exit_code(scored), exit_code([frozen, zoom]), exit_code([zoom])) == (2, 3, 0)


def test_scores_are_the_same_in_this_process_in_one_other_and_in_two(clips_folder, order, scored, tmp_path):
    clips = find_clips([clips_folder])
    for number, workers in enumerate((1, 2)):
        again = replace(order, store=score_store(tmp_path / str(number)))
        assert answers(score_clips(clips, again, workers)) == answers(scored)
    alone = replace(order, store=score_store(tmp_path / "alone"))
    assert [answers(score_clips([clip], alone))[0] for clip in clips] == answers(scored)


def test_progress_ends_with_all_clips_and_all_frames(clips_folder, order, tmp_path):
    events: list[Event] = []
    context = RunContext(events.append)
    score_clips(find_clips([clips_folder]), replace(order, store=score_store(tmp_path)), 2, context)
    assert events[-1] == Progress("score", 10, 10, "frames", figures={"clips": 3, "of_clips": 3})


def test_stopped_it_keeps_the_scores_that_it_has(clips_folder, order, scored, tmp_path):
    own = replace(order, store=score_store(tmp_path))
    score_clips([clips_folder / "zoom.mp4"], own)
    events: list[Event] = []
    context = RunContext(events.append, should_stop=lambda: events[-1].figures["clips"] == 1)
    with pytest.raises(Cancelled, match="1 of 3 clips have scores, which are kept"):
        score_clips([clips_folder / "zoom.mp4", *find_clips([clips_folder])[:2]], own, context=context)
    assert answers(score_clips([clips_folder / "zoom.mp4"], own)) == answers(scored[2:])


# ---- what is kept ----


def test_what_was_scored_before_is_read_and_says_the_same(clips_folder, order, scored):
    again = score_clips(find_clips([clips_folder]), order)
    assert [clip.stored for clip in again] == [False, True, True]
    assert answers(again) == answers(scored)


def test_fresh_measures_anew(clips_folder, order, scored):
    (again,) = score_clips([clips_folder / "zoom.mp4"], replace(order, fresh=True))
    assert not again.stored
    assert again.to_json() == scored[2].to_json()


def test_another_picture_prompt_setting_or_version_is_measured_anew(clips_folder, order, scored, monkeypatch):
    del scored
    clip = clips_folder / "zoom.mp4"
    changed = [
        replace(order, prompt="zoom in"),
        replace(order, ask_clips=False),
        replace(order, score_settings=order.score_settings.model_copy(update={"temporal_scale": 50.0})),
    ]
    assert [score_clips([clip], one)[0].stored for one in changed] == [False] * 3
    monkeypatch.setattr(batch, "METRICS_VERSION", "of tomorrow")
    assert not score_clips([clip], order)[0].stored


def test_new_limits_judge_old_scores(clips_folder, order, scored):
    limits = order.gate_settings.root
    default = limits["default"]
    strict = default.model_copy(
        update={
            "metrics": {
                **default.metrics,
                "brightness": default.metrics["brightness"].model_copy(
                    update={"reject_below": 0.9, "review_below": 0.9, "review_above": 0.95}
                ),
            }
        }
    )
    harder = replace(order, gate_settings=type(order.gate_settings)({**limits, "default": strict}))
    (again,) = score_clips([clips_folder / "zoom.mp4"], harder)
    assert again.stored and again.scores.to_json() == scored[2].scores.to_json()
    assert "brightness" in {reason.metric for reason in again.verdict.reasons}


def test_a_damaged_entry_counts_as_absent_and_is_mended(clips_folder, order, scored, tmp_path):
    own = replace(order, store=score_store(tmp_path))
    score_clips([clips_folder / "zoom.mp4"], own)
    (entry,) = tmp_path.rglob("*.json")
    entry.write_text(entry.read_text()[:200])
    (again,) = score_clips([clips_folder / "zoom.mp4"], own)
    assert not again.stored and again.to_json() == scored[2].to_json()
    assert score_clips([clips_folder / "zoom.mp4"], own)[0].stored


def test_kept_scores_equal_measured_ones_to_the_last_bit(scored):
    scores = scored[2].scores
    kept = from_plain(Scores, json.loads(json.dumps(to_plain(scores))))
    assert kept.to_json() == scores.to_json()
    assert kept.measures == scores.measures and kept.format == scores.format
    assert (kept.camera is None) == (scores.camera is None)
    if scores.camera is not None:
        assert np.array_equal(kept.camera.matrix, scores.camera.matrix)


def test_the_same_bytes_under_another_name_are_not_measured_again(clips_folder, order, scored, tmp_path):
    del scored
    (tmp_path / "copy.mp4").write_bytes((clips_folder / "deep" / "frozen.mp4").read_bytes())
    assert score_clips([tmp_path / "copy.mp4"], order)[0].stored


# ---- where clips come from ----


def test_the_json_beside_a_clip_gives_picture_and_prompt_and_is_named(scored, clips_folder):
    zoom = scored[2]
    assert zoom.origin.picture == clips_folder / "photo.png"
    assert zoom.origin.sources == {"picture": "zoom.json", "prompt": "zoom.json", "profile": "zoom.json"}
    assert zoom.scores["first_frame_fidelity"] > 20
    assert zoom.scores.asked_move == "pan_left"


def test_nothing_is_taken_from_a_clip_that_is_not_asked(clips_folder, order):
    (zoom,) = score_clips([clips_folder / "zoom.mp4"], replace(order, ask_clips=False))
    assert zoom.scores["first_frame_fidelity"] is None and zoom.scores.asked_move is None
    assert zoom.origin.sources == {}


def test_what_is_given_goes_before_what_the_clip_says(clips_folder, order):
    (zoom,) = score_clips([clips_folder / "zoom.mp4"], replace(order, prompt="zoom in"))
    assert zoom.scores.asked_move == "zoom_in"
    assert "prompt" not in zoom.origin.sources and zoom.origin.sources["picture"] == "zoom.json"


def test_a_sidecar_about_another_version_of_the_clip_is_not_used(clips_folder, order, tmp_path):
    write_clip(tmp_path / "zoom.mp4", filmed(seed=3))
    (tmp_path / "zoom.json").write_text((clips_folder / "zoom.json").read_text())
    (zoom,) = score_clips([tmp_path / "zoom.mp4"], order)
    assert zoom.origin.prompt is None
    assert "zoom.json beside it is about another version" in zoom.notes[0]


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", '{"order": 3}', '{"order": [], "sha256": 1}', "\ud800".encode("utf-8", "replace").decode()]
)
def test_any_other_json_beside_a_clip_does_no_harm(text, clips_folder, order, tmp_path):
    (tmp_path / "frozen.mp4").write_bytes((clips_folder / "deep" / "frozen.mp4").read_bytes())
    (tmp_path / "frozen.json").write_text(text)
    (frozen,) = score_clips([tmp_path / "frozen.mp4"], order)
    assert frozen.scores is not None and frozen.origin.prompt is None


def test_a_clip_that_is_damaged_half_way_is_reported(order, tmp_path):
    clip = write_clip(tmp_path / "whole.mp4", filmed(num_frames=9))
    data = bytearray(clip.path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    (tmp_path / "damaged.mp4").write_bytes(data)
    (damaged,) = score_clips([Path(tmp_path / "damaged.mp4")], order)
    assert damaged.error and "damaged.mp4" in damaged.error


@pytest.mark.parametrize("size", [0, -1, -2])
def test_a_batch_of_less_than_one_clip_is_refused(size: int) -> None:
    with pytest.raises(InputError, match=rf"a batch of {size} clips cannot be made"):
        in_batches([Path("a.mp4"), Path("b.mp4")], size)


@pytest.mark.parametrize("size", [1, 2, 5, 9])
def test_batches_together_are_all_clips_once(size: int) -> None:
    clips = [Path(f"{number}.mp4") for number in range(5)]
    batches = in_batches(clips, size)
    assert [clip for batch in batches for clip in batch] == clips and all(1 <= len(batch) <= size for batch in batches)


def test_no_clips_are_never_accepted() -> None:
    with pytest.raises(InputError, match="no clip is named"):
        find_clips([])


@pytest.mark.parametrize("workers", [None, 2])
def test_scores_that_cannot_be_kept_end_the_run_and_make_no_clip_unreadable(
    workers: int | None, clips_folder: Path, order: ScoringOrder, tmp_path: Path
) -> None:
    nowhere = replace(order, store=score_store(tmp_path / "scores"))
    clip = clips_folder / "deep" / "frozen.mp4"
    with pytest.raises(MachineError, match="Free some space"), files_no_larger_than(100):
        score_clips([clip], nowhere, workers)
    assert score_clips([clip], nowhere, workers)[0].error is None


def test_a_clip_that_cannot_be_opened_now_is_not_unreadable(clips_folder: Path, order: ScoringOrder) -> None:
    with pytest.raises(MachineError), no_more_open_files():
        score_clips([clips_folder / "zoom.mp4"], order)
