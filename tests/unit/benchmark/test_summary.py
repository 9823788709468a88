"""The project in one file: every figure from the report that holds it, every artifact with its digest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reelops.benchmark.cases.generation.case import REPORT
from reelops.benchmark.machine import MachineRecord
from reelops.benchmark.report import PartReport, Report
from reelops.benchmark.summary import SUMMARY, ProjectSummary, summarize, write_summary
from reelops.benchmark.target import at_most
from reelops.errors import SettingsError
from reelops.params import Config, load_config
from reelops.system.digest import sha256_of

WAY = {
    "mean_latency": 2.0,
    "clips_an_hour": 1800,
    "peak_gb": {"rss": 1.5, "cuda_reserved": 20.0},
    "scores": {"temporal_consistency": 0.9},
}
FIGURES = {
    "cohort": {"fingerprint": "abc"},
    "ways": {"baseline": WAY, "fast": WAY | {"mean_latency": 1.0, "scores": {}}},
    "comparisons": {"fast": {"answer": "pass", "latency": {"slower_by": -0.5}}},
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "params.yaml").write_text("{}")
    return load_config(params_file=tmp_path / "params.yaml")


def test_it_holds_latency_temporal_score_memory_and_throughput_of_each_way_and_what_targets_were_missed(
    config: Config,
) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    targets = (at_most("worse", 1.0, 0), at_most("slow", 0.0, 0), at_most("unknown", None, 0))
    part = PartReport(
        measured_at=at,
        command="",
        commit="a",
        machine=MachineRecord(processor="p", cores=2),
        took_seconds=1.0,
        figures=FIGURES,
        targets=targets,
    )
    Report(benchmark="generation", parts={"clips": part}).write(config.root / REPORT)
    for folder, text in (("train", '{"loss": 0.1}'), ("validate", '{"checks": 9}')):
        (config.root / "reports" / folder).mkdir()
        (config.root / "reports" / folder / "metrics.json").write_text(text)
    weights = config.root / "models/adapters/nightfall/adapter.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")

    assert write_summary(config) == SUMMARY
    found = ProjectSummary.model_validate_json((config.root / SUMMARY).read_text())
    fast = found.ways["fast"]
    assert (fast.average_latency_seconds, fast.times_as_fast, fast.answer) == (1.0, 2.0, "pass")
    baseline = found.ways["baseline"]
    assert (baseline.temporal_score, fast.temporal_score, baseline.times_as_fast) == (0.9, None, None)
    assert baseline.peak_memory_gb["cuda_reserved"] == 20.0 and baseline.clips_an_hour == 1800
    told = found.benchmarks["generation"]
    assert (told.targets, told.met, told.missed, told.measured) == (3, 1, ("worse",), (at, at))
    assert found.figures == {"training": {"loss": 0.1}, "adapter": {"checks": 9}}
    (artifact,) = found.artifacts
    assert artifact.path == "models/adapters/nightfall/adapter.safetensors"
    assert (artifact.bytes, artifact.sha256) == (7, sha256_of(weights))


def test_a_project_in_which_nothing_was_measured_has_an_empty_one(config: Config) -> None:
    found = summarize(config)
    assert not (found.ways or found.benchmarks or found.figures or found.artifacts)


def test_a_stage_whose_figures_are_no_object_is_named(config: Config) -> None:
    (config.root / "reports/train").mkdir(parents=True)
    (config.root / "reports/train/metrics.json").write_text("[1")
    with pytest.raises(SettingsError, match=r"train/metrics\.json holds no JSON object"):
        summarize(config)


def test_the_projects_own_summary_is_true(repository: Path) -> None:
    """Its figures are those of the reports beside it."""
    kept = ProjectSummary.model_validate_json((repository / SUMMARY).read_text())
    for name, one in kept.benchmarks.items():
        report = json.loads((repository / one.report).read_text())
        assert report["benchmark"] == name
