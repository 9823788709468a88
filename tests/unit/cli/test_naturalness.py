"""`reelops naturalness`: what a user gave is looked at before an hour of measuring, and nothing is written over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from published import draw_video

from reelops.cli import build_app, run_guarded
from reelops.errors import UNUSABLE
from reelops.gate.naturalness.fit import GOOD, Sample
from reelops.gate.naturalness.samples import write_samples
from reelops.metrics.naturalness.model import Model


def learn(*arguments: object) -> int:
    app = build_app()
    return run_guarded(lambda: app(["naturalness", *map(str, arguments)], standalone_mode=False))


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Four good sources, and two families of faults."""
    file = tmp_path / "samples.jsonl"
    kinds = ((GOOD, 0.0), (GOOD, 0.1), ("up", 5.0), ("down", -5.0))
    write_samples(
        [
            Sample(f"clip {number}", kind, kind, 0, {"ghost_a": at + number / 9})
            for number in range(4)
            for kind, at in kinds
        ],
        file,
    )
    return file


def test_a_model_is_learnt_from_kept_samples_with_a_report_of_its_worth(samples: Path, tmp_path: Path) -> None:
    assert learn(samples, "--out", tmp_path / "model") == 0
    assert Model.read(tmp_path / "model" / "model.json").good_G.size == 8
    report = json.loads((tmp_path / "model" / "report.json").read_text())
    assert set(report["families"]) == {"up", "down"} and report["good"]["sources"] == 4


def test_places_that_cannot_be_written_are_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = [draw_video(tmp_path / f"{name}.mp4") for name in "abc"]
    (tmp_path / "file").touch()
    for given, told in (
        (["--out", tmp_path / "file"], "file/report.json cannot be written"),
        (["--samples", clips[0]], "a.mp4 is a video or picture, and would be replaced"),
        (["--samples", tmp_path], "is a folder; name a file"),
    ):
        before = clips[0].read_bytes()
        assert learn(*clips, *given, *(["--out", tmp_path / "out"] if "--out" not in given else [])) == UNUSABLE
        said = capsys.readouterr().err
        assert told in said and said.count("\n") == 1
        assert clips[0].read_bytes() == before and not (tmp_path / "out").exists()


def test_one_clip_is_too_little_and_is_not_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert learn(draw_video(tmp_path / "a.mp4"), "--out", tmp_path / "out") == UNUSABLE
    assert capsys.readouterr().err.startswith("reelops: That is too little to learn from: good clips of 3 sources")
