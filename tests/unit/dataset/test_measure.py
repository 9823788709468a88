"""A video in numbers, and why some give none."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from footage import textured
from scarcity import files_no_larger_than, no_more_open_files

from reelops.camera.moves import CameraMove, film, path_of
from reelops.dataset.entry import Segment
from reelops.dataset.metadata import store
from reelops.dataset.metadata.diagnosis import diagnose
from reelops.dataset.metadata.examine import Job, examine, known_already
from reelops.dataset.metadata.measure import Measured, measure
from reelops.dataset.metadata.params import Limits, MetadataParams, WindowParams
from reelops.dataset.metadata.store import measure_store, settings_digest
from reelops.dataset.table import Reason
from reelops.errors import MachineError
from reelops.metrics.settings import load_score_settings
from reelops.metrics.suite import score_frames
from reelops.params import load_config
from reelops.system.digest import sha256_of
from reelops.system.making import Making
from reelops.video.decode import read_frames
from reelops.video.encode import encode
from tests.unit.video.media import with_pause, write_with_times

WINDOW = WindowParams(frames=9, fps=8, search_seconds=4)
LIMITS = Limits(min_side=32, max_still_share=0.5, max_text_share=0.35)


def shot(frames: int, move: CameraMove = CameraMove.PAN_LEFT, seed: int = 0) -> np.ndarray:
    picture = textured(seed=seed)
    return film(picture, (32.0, 30.0, 84.0, 56.0), path_of(move), (96, 64), np.linspace(0, 1, frames))


def write(path: Path, *shots: np.ndarray, fps: int = 8) -> Path:
    return encode(np.concatenate(shots), path, Fraction(fps), "fast").path


def measured(path: Path, segment: Segment | None = None, chance: str = "0") -> Measured:
    return measure(path, segment, WINDOW, LIMITS, chance)


def test_statistics_are_those_of_the_scores_of_the_same_frames(tmp_path: Path, repository: Path) -> None:
    clip = write(tmp_path / "pan.mp4", shot(33), fps=16)
    found = measured(clip)
    start = Fraction(str(found.start_seconds))
    window = [one.frame_HWC for one in read_frames(clip, fps=Fraction(8), start=start, stop=start + WINDOW.seconds)]
    assert found.reason is None and len(window) == 9
    settings = load_score_settings(load_config(params_file=repository / "params.yaml")).model_copy(
        update={"temporal_engine": "dis"}
    )
    scores = score_frames(window, Fraction(8), None, None, settings)
    # Luma comes straight from the video here, and by way of RGB there.
    assert found.motion == pytest.approx(scores.get("motion"), rel=0.05)
    assert found.sharpness == pytest.approx(scores.get("sharpness"), rel=0.1)
    assert found.brightness == pytest.approx(scores.get("brightness"), abs=0.01)
    assert found.scene_cut == pytest.approx(scores.get("scene_cut"), abs=0.02)


def test_a_window_lies_in_its_segment_and_avoids_the_cut(tmp_path: Path) -> None:
    clip = write(tmp_path / "two.mp4", shot(20), shot(20, CameraMove.ZOOM_IN, seed=5))
    starts = {measured(clip, chance=str(chance)).start_seconds for chance in range(12)}
    assert starts <= {*np.arange(0, 12) / 8, *np.arange(20, 32) / 8} and measured(clip).cuts == 1
    later = measured(clip, Segment(Fraction(5, 2), Fraction(4)))
    assert later.start_seconds >= 2.5 and later.cuts == 0


def test_a_long_clip_is_looked_at_in_part_wherever_chance_says(tmp_path: Path) -> None:
    clip = write(tmp_path / "long.mp4", *(shot(40, move) for move in list(CameraMove)[:5]))
    starts = [measured(clip, chance=str(chance)).start_seconds for chance in range(8)]
    assert max(starts) - min(starts) > 4


def test_a_window_lies_in_the_longest_part_between_pauses_and_the_pauses_are_told(tmp_path: Path) -> None:
    frames = np.concatenate([shot(12), shot(24, CameraMove.ZOOM_IN, seed=5), shot(4, seed=9)])
    clip = tmp_path / "clip.mp4"
    write_with_times(clip, frames, range(40), Fraction(1, 8))
    once = with_pause(clip, tmp_path / "once.mp4", 12, seconds=36_000)
    twice = with_pause(once, tmp_path / "twice.mp4", 36, seconds=36_000)
    found = [measured(twice, chance=str(chance)) for chance in range(6)]
    assert {one.reason for one in found} == {None}
    starts = [one.start_seconds - 36_000 for one in found]
    assert min(starts) >= 12 / 8 and max(starts) <= (36 - WINDOW.frames) / 8
    assert [note.partition(",")[0] for note in found[0].notes] == ["Frame 11 stands for 36", "Frame 35 stands for 36"]
    assert found[0].duration_seconds == pytest.approx(72_000 + 40 / 8, abs=1 / 8)
    before = measured(twice, Segment(Fraction(0), Fraction(20_000)))
    assert before.reason is None and before.start_seconds <= 3 / 8


@pytest.mark.parametrize(
    ("reason", "frames"),
    [
        (Reason.TOO_SHORT, shot(8)),
        (Reason.STILL, shot(1).repeat(24, axis=0)),
        (Reason.BLACK, np.zeros((24, 64, 96, 3), np.uint8)),
        (Reason.CUT_RIDDEN, np.concatenate([shot(4, seed=seed) for seed in range(8)])),
    ],
)
def test_what_cannot_be_learnt_from_says_why(tmp_path: Path, reason: Reason, frames: np.ndarray) -> None:
    found = measured(write(tmp_path / "clip.mp4", frames))
    assert found.reason is reason and found.evidence


def test_a_file_that_cannot_be_read_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is not a video")
    (tmp_path / "empty.mp4").touch()
    whole = write(tmp_path / "whole.mp4", shot(24)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    reasons = {name: measured(tmp_path / f"{name}.mp4").reason for name in ("text", "empty", "cut", "none")}
    assert reasons == {
        "text": Reason.NOT_A_VIDEO, "empty": Reason.EMPTY, "cut": Reason.TRUNCATED, "none": Reason.MISSING,
    }  # fmt: skip
    assert str(tmp_path) not in measured(tmp_path / "text.mp4").evidence


# ---- what is no fact about a video ----


def job_for(clip: Path, folder: Path) -> Job:
    params = MetadataParams(limits=LIMITS, window=WINDOW, max_quarantined_share=0.5)
    return Job(clip, None, None, params, settings_digest(params), measure_store(folder / "measured"), folder)


def test_what_a_machine_cannot_read_now_is_neither_measured_nor_kept(tmp_path: Path) -> None:
    clip = write(tmp_path / "pan.mp4", shot(33))
    job = job_for(clip, tmp_path)
    for look in (lambda: measured(clip), lambda: diagnose(clip), lambda: examine(job, lambda _: None)):
        with pytest.raises(MachineError, match="Nothing is known of the file"), no_more_open_files():
            look()
    assert not (tmp_path / "measured").exists()
    assert examine(job, lambda _: None).measured.reason is None


def test_a_clip_whose_measurement_cannot_be_kept_is_no_bad_clip(tmp_path: Path) -> None:
    job = job_for(write(tmp_path / "pan.mp4", shot(33)), tmp_path)
    with pytest.raises(MachineError, match="Free some space"), files_no_larger_than(100):
        examine(job, lambda _: None)
    assert examine(job, lambda _: None).measured.reason is None


# ---- what is kept, and for how long ----


def test_what_other_code_would_measure_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write(tmp_path / "pan.mp4", shot(33))
    job = replace(job_for(clip, tmp_path), sha256=sha256_of(clip))
    examine(job, lambda _: None)
    assert known_already(job, sha256_of)
    monkeypatch.setattr(store, "making_of", lambda *_: Making("of tomorrow", ()))
    assert known_already(replace(job_for(clip, tmp_path), sha256=job.sha256), sha256_of) is None


def test_a_picture_that_other_code_wrote_is_written_again(tmp_path: Path) -> None:
    clip = write(tmp_path / "pan.mp4", shot(33))
    job = replace(job_for(clip, tmp_path), sha256=sha256_of(clip))
    found = examine(job, lambda _: None)
    assert found.image_path is not None
    picture = tmp_path / found.image_path
    right = picture.read_bytes()
    picture.write_bytes(b"of another decoder")
    assert known_already(job, sha256_of) is None
    assert examine(job, lambda _: None) == found and picture.read_bytes() == right
    assert known_already(job, sha256_of) == found
