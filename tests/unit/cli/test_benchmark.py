"""`reelops benchmark`: small clips, whole parts; and what its one report says of parts measured apart."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from footage import filmed, write_clip
from typer.testing import CliRunner

import reelops.cli
from reelops.benchmark.cases import page as benchmark_report
from reelops.benchmark.cases import scoring as benchmark_scoring
from reelops.benchmark.cases.flow_truth import truth
from reelops.benchmark.cases.optical_flow import rank_correlation
from reelops.benchmark.cases.scoring import Bench
from reelops.benchmark.golden_flow import make_golden, read_golden
from reelops.benchmark.known_flow import MOTIONS, SEQUENCES
from reelops.benchmark.machine import CORES, on_two_cores, score_command
from reelops.benchmark.params import load_benchmark_params
from reelops.benchmark.quality import PARTS, Wish, differences_between_parts, wishes
from reelops.benchmark.quality_tables import markdown
from reelops.errors import MachineError, SettingsError
from reelops.params import load_config
from reelops.scoring.batch import ScoringOrder
from reelops.system.digest import sha256_of

AT: dict[str, Any] = {
    "measured_at": "2026-11-21T10:00:00+00:00",
    "machine": {"processor": "A", "cores": 2, "load_before": 0.1, "opencv": "4.14.0", "metrics_version": "2"},
}
"""When and where a part was measured."""


@pytest.fixture
def project(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with our params.yaml, whose benchmarks run on two small clips."""
    for seed in range(2):
        write_clip(tmp_path / "clips" / f"{seed}.mp4", filmed(num_frames=5, seed=seed))
    text = (repository / "params.yaml").read_text().partition("# What `reelops benchmark` is run on.")[0]
    globs = "".join(f"  {name}: [clips/*]\n" for name in ("clips", "pictures", "product_clips"))
    (tmp_path / "params.yaml").write_text(f"{text}benchmark:\n{globs}  good_clips: [clips/0.mp4]\n")
    monkeypatch.setenv("REELOPS_PARAMS_FILE", str(tmp_path / "params.yaml"))
    return tmp_path


def run(*arguments: str) -> None:
    CliRunner().invoke(reelops.cli.build_app(), ["benchmark", *arguments], catch_exceptions=False)


def report(project: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((project / "reports/quality/benchmark.json").read_text())
    return facts


def test_parts_are_measured_apart_and_kept_together_each_with_its_time_and_machine(project: Path) -> None:
    run("quality", "--only", "suite")
    before = report(project)["parts"]["suite"]
    assert [row["clip"] for row in before["clips"]] == ["0.mp4", "1.mp4"]
    assert before["slowest"] > 0 and before["machine"]["cores"] >= 1

    run("quality", "--only", "sameness")
    after = report(project)
    assert list(after["parts"]) == ["suite", "sameness"]
    assert after["parts"]["suite"] == before
    assert after["parts"]["sameness"]["measured_at"] >= before["measured_at"]
    assert [wish["part"] for wish in after["wanted"]] == ["suite", "sameness"]
    assert not list((project / ".cache/scratch").iterdir())
    page = (project / "reports/quality/benchmark.md").read_text()
    assert "## What was wanted" in page and "| 0.mp4 | 5 | 96x64 |" in page
    # A clip scores the same on any threads, in any process and in any company.
    equal = after["parts"]["sameness"]["equal"]
    assert len(equal) == 9
    assert [name for name, same in equal.items() if not same] == []


def test_copies_of_a_folder_are_files_of_their_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_scoring, "FOLDER_COPIES", 2)
    (project / "scratch").mkdir()
    bench = Bench([project / "clips/0.mp4"], project / "params.yaml", project / "scratch")
    part = benchmark_scoring.folder(bench, lambda *_: None)
    assert part["clips"] == 2 and not part["not_scored"]
    assert part["clips_an_hour"] == pytest.approx(2 / part["wall"] * 3600)
    one, other = json.loads((project / "scratch/scores.json").read_text())
    assert one["sha256"] != other["sha256"] and one["scores"] == other["scores"]


def test_the_gate_is_shown_every_version_of_every_clip(project: Path) -> None:
    run("quality", "--only", "gate")
    gate = report(project)["parts"]["gate"]
    assert gate["good"] == 1 and gate["bad"] == 12
    assert sum(gate["versions"]["frozen"][decision] for decision in ("accept", "review", "reject")) == 1
    assert 0 <= gate["bad_not_accepted"] <= 1 and not gate["not_tested"]
    as_it_is = gate["versions"]["as it is"]
    assert len(gate["held_back"]) == as_it_is["review"] + as_it_is["reject"]
    assert all(row["why"] for row in gate["held_back"])


def test_what_cannot_be_measured_is_named_with_what_can(project: Path) -> None:
    with pytest.raises(SettingsError, match=r"'speed' to measure\. Choose of: suite, cold"):
        run("quality", "--only", "speed")


def test_another_file_is_not_written_over(project: Path) -> None:
    (project / "notes.json").write_text("[1, 2]")
    with pytest.raises(SettingsError, match=r"notes\.json is no report of this benchmark"):
        run("quality", "--only", "suite", "--out", "notes.json")
    assert (project / "notes.json").read_text() == "[1, 2]"


def test_help_names_every_part() -> None:
    result = CliRunner().invoke(reelops.cli.build_app(), ["benchmark", "quality", "--help"])
    assert all(part in result.output for part in PARTS)


def test_parts_from_another_day_or_machine_are_told() -> None:
    other = {"measured_at": "2026-11-22T10:00:00+00:00", "machine": {**AT["machine"], "processor": "B"}}
    parts = {"suite": AT, "flow": other}
    days, machines = differences_between_parts(parts)
    assert "different days (2026-11-21: suite; 2026-11-22: flow)" in days
    assert "different machines (A, 2 cores: suite; B, 2 cores: flow)" in machines
    assert differences_between_parts({"suite": parts["suite"], "cold": parts["suite"]}) == []


def test_a_wish_is_met_at_its_limit_and_open_where_nothing_was_measured() -> None:
    assert Wish("suite", "seconds", 2.0, "at most", 2.0).met is True
    assert Wish("folder", "clips", 1799.0, "at least", 1800).met is False
    assert Wish("flow", "correlation", None, "at least", 0.95).met is None


def flow_part() -> dict[str, Any]:
    """What `benchmark_flow` returns, of one clip and one motion."""
    seconds = {"wall": 0.01, "cpu": 0.01}
    errors = {"ours_160": 0.1, "ours_480": 0.05, "opencv_120": 0.5, "opencv_240": 0.2, "opencv_480": None}
    pair = {"opencv": {"wall": 3.0, "cpu": 5.0}, "ours_same_size": seconds, "ours_at_160_rows": seconds}
    return {
        "time": [{"clip": "a", **pair, "times_faster_same_size": 30.0, "times_faster_at_160_rows": 300.0}],
        "equal_parameters": [
            {
                "clip": "a",
                "size": "360x240",
                "times_faster": 9.0,
                "times_less_cpu": 14.0,
                "median_distance": 0.0,
                "mean_distance": 0.4,
            }
        ],
        "known_motion": {"pan 1 px": errors, "all": errors},
        "working_size": [{"clip": "a", "motion": {"120": 4.0, "160": 4.1}, "spread": 0.025}],
        "score": {
            "clips": [{"clip": "a", "ours": 0.9, "opencv": None}],
            "rank_correlation": None,
            "mean_absolute_difference": 0.01,
        },
    }


def test_figures_of_the_flow_are_held_against_what_was_wanted_and_shown() -> None:
    wanted = list(wishes({"flow": flow_part()}))
    answers = {wish.figure: wish.met for wish in wanted}
    assert answers["time of a pair, OpenCV's at 720x480 over ours at 160 rows"] is True
    assert answers["mean distance in px from OpenCV's with its parameters"] is False
    assert answers["rank correlation of scores with OpenCV's"] is None
    (error,) = [wish for wish in wanted if wish.figure == "error in px on known motion at 160 rows"]
    assert error.limit == pytest.approx(1.05 * 0.2) and error.met
    page = markdown({"parts": {"flow": {**AT, **flow_part()}}, "wanted": [wish.to_json() for wish in wanted]})
    assert "| pan 1 px | 0.1 | 0.05 | 0.5 | 0.2 | not measured |" in page
    assert "| a | 4 | 4.1 | 2.5% |" in page


def test_where_scores_differ_known_motion_tells_whose_is_nearer_the_truth(project: Path, repository: Path) -> None:
    picture, clip = repository / "data/samples/coffee.jpg", project / "clips/0.mp4"
    still = {f"{picture.name}, {picture.name}, {sequence.name}": [0.0] * 5 for sequence in SEQUENCES}
    golden = {"clips": {sha256_of(clip): {"magnitudes": [0.0, 40.0]}}, "known_sequences": still}
    part = truth([clip, project / "clips/1.mp4"], [picture], 120.0, golden, lambda *_: None)
    assert part["compared"] == 1 and [row["clip"] for row in part["apart"]] == ["0.mp4"]
    for row in part["sequences"]:
        assert row["ours"]["mean"] == pytest.approx(row["true"]["mean"], rel=0.1)
        assert row["opencv"]["score"] == 1 and row["true"]["score"] < 0.4
    assert part["error_of_ours"] < 0.1 < part["error_of_opencv"]
    (wish,) = wishes({"truth": part})
    assert wish.met
    page = markdown({"parts": {"truth": {**AT, **part}}, "wanted": [wish.to_json()]})
    assert "our flow's is nearer the true score" in page and "| everything moves | 20.4 (40) |" in page
    unmeasured = truth([], [picture], 120.0, {}, lambda *_: None)
    assert unmeasured["error_of_opencv"] is None and list(wishes({"truth": unmeasured})) == []


def test_a_report_is_made_measured_and_opened(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_report, "NUM_CLIPS", 3)
    monkeypatch.setattr(benchmark_report, "REPEATS", 1)
    (project / "scratch").mkdir()
    order = ScoringOrder.of(load_config(home=project / "home"))
    part = benchmark_report.report([project / "clips/0.mp4"], order, project / "scratch", lambda *_: None)
    assert part["clips"] == 3 and 0.01 < part["size_mb"] < 5 and part["notes"] == []
    assert part["browser"] is None or part["browser"]["seconds"] > 0
    wanted = [wish.to_json() for wish in wishes({"report": part})]
    page = markdown({"parts": {"report": {**AT, **part}}, "wanted": wanted})
    assert "MB of a report of 3 clips" in page


def test_two_cores_are_used_and_all_come_back() -> None:
    before = os.sched_getaffinity(0), cv2.getNumThreads()
    with on_two_cores():
        assert len(os.sched_getaffinity(0)) <= CORES and cv2.getNumThreads() <= CORES
    assert (os.sched_getaffinity(0), cv2.getNumThreads()) == before


def test_a_command_that_fails_says_why(project: Path) -> None:
    with pytest.raises(MachineError, match=r"ended with 2: .*absent\.mp4"):
        score_command([str(project / "absent.mp4")], project / "home", project / "params.yaml")


def test_rank_correlation_is_that_of_ranks() -> None:
    assert rank_correlation(np.array([1.0, 2.0, 30.0]), np.array([0.1, 0.5, 0.6])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, -8.0])) == pytest.approx(-1)


def test_shipped_settings_name_clips_and_pictures(repository: Path, more_media: Path, tmp_path: Path) -> None:
    params = load_benchmark_params(load_config(params_file=repository / "params.yaml"))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/data").symlink_to(more_media)
    (tmp_path / "project").mkdir()
    assert len(params.find("clips", tmp_path / "project")) >= 8
    assert len(params.find("pictures", tmp_path / "project")) == 2
    assert len(params.find("product_clips", tmp_path / "project")) >= 7
    assert len(params.find("good_clips", tmp_path / "project")) >= 20


def test_golden_values_are_kept_and_not_measured_again(repository: Path, tmp_path: Path) -> None:
    kept = {
        "clips": {},
        "known_motion": {f"coffee.jpg, {motion.name}": 1.5 for motion in MOTIONS},
        "known_sequences": {f"coffee.jpg, coffee.jpg, {sequence.name}": [1.5] for sequence in SEQUENCES},
    }
    (tmp_path / "golden.json").write_text(json.dumps(kept))
    steps: list[str] = []
    make_golden([], [repository / "data/samples/coffee.jpg"], tmp_path / "golden.json", steps.append)
    assert not steps
    now = read_golden(tmp_path / "golden.json")
    assert {name: now[name] for name in kept} == kept
    assert "reelops benchmark golden" in now["how"]["command"]
