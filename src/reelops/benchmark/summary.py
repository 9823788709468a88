"""The project in one file, reports/summary.json: what was measured, what was reached, and where the artifacts are.

It repeats no measurement: every figure is read from the report that holds it, and every artifact is named by its path
from the project's folder with the digest of its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from reelops.benchmark.cases.generation.case import PART
from reelops.benchmark.cases.generation.case import REPORT as GENERATION
from reelops.benchmark.catalogue import CASES
from reelops.benchmark.report import Report, read_report
from reelops.errors import SettingsError
from reelops.params import Config
from reelops.system.digest import sha256_of
from reelops.system.files import write_text_atomically
from reelops.tracking.lineage import code_commit

SUMMARY = Path("reports/summary.json")
_FIGURES: Mapping[str, Path] = {
    "data": Path("reports/data/metrics.json"),
    "base_model": Path("reports/pretrain/metrics.json"),
    "training": Path("reports/train/metrics.json"),
    "adapter": Path("reports/validate/metrics.json"),
}
_ARTIFACTS = (
    "models/*/*/*.safetensors",
    "models/*/*.safetensors",
    "models/adapters/*/*.safetensors",
    "reports/*/index.html",
    "reports/benchmark/*.html",
    "reports/validate/verdict.json",
)


class WayFigures(BaseModel):
    """A way to make clips.

    Attributes:
        average_latency_seconds: of all work on a clip, without loading.
        temporal_score: mean temporal consistency; None where it was not measured.
        peak_memory_gb: by kind: `rss`, and on CUDA `cuda_allocated` and `cuda_reserved`.
        clips_an_hour: at that latency, one after the other.
        times_as_fast: beside the baseline; None for the baseline itself.
        answer: of the gate: pass, fail or more runs; None for the baseline.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    average_latency_seconds: float
    temporal_score: float | None
    peak_memory_gb: Mapping[str, float]
    clips_an_hour: float
    times_as_fast: float | None
    answer: str | None


class Benchmark(BaseModel):
    """A benchmark's report: where it is, and how many of its targets are met."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    report: str
    measured: tuple[datetime, datetime]
    targets: int
    met: int
    missed: tuple[str, ...]


class Artifact(BaseModel):
    """A file: its path from the project's folder, its size and its digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    bytes: int
    sha256: str


class ProjectSummary(BaseModel):
    """All of it; parts that nothing was measured of are empty.

    Attributes:
        made_at, commit: when it was put together, and by which code.
        cohort: machine, libraries and model that `ways` were measured with.
        ways: by name, the baseline first.
        benchmarks: by name.
        figures: those of DVC's stages, as their metrics files say: data, base_model, training, adapter.
        artifacts: by path.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_at: datetime
    commit: str | None
    cohort: Mapping[str, Any]
    ways: Mapping[str, WayFigures]
    benchmarks: Mapping[str, Benchmark]
    figures: Mapping[str, Mapping[str, Any]]
    artifacts: tuple[Artifact, ...]


def summarize(config: Config) -> ProjectSummary:
    """What the project's reports say."""
    generation = read_report(config.root / GENERATION, "generation").parts.get(PART)
    found: Mapping[str, Any] = generation.figures if generation else {}
    return ProjectSummary(
        made_at=datetime.now(UTC).replace(microsecond=0),
        commit=code_commit(),
        cohort=found.get("cohort", {}),
        ways={name: _way(name, found) for name in found.get("ways", {})},
        benchmarks=dict(_benchmarks(config)),
        figures={name: read for name, path in _FIGURES.items() if (read := _read(config.root / path)) is not None},
        artifacts=tuple(_artifacts(config.root)),
    )


def write_summary(config: Config) -> Path:
    """Puts the summary where it belongs; its path, from the project's folder."""
    write_text_atomically(config.root / SUMMARY, summarize(config).model_dump_json(indent=1) + "\n")
    return SUMMARY


def _way(name: str, found: Mapping[str, Any]) -> WayFigures:
    way, said = found["ways"][name], found["comparisons"].get(name)
    return WayFigures(
        average_latency_seconds=way["mean_latency"],
        temporal_score=way["scores"].get("temporal_consistency"),
        peak_memory_gb=way["peak_gb"],
        clips_an_hour=way["clips_an_hour"],
        times_as_fast=round(1 / (1 + said["latency"]["slower_by"]), 3) if said else None,
        answer=said["answer"] if said else None,
    )


def _benchmarks(config: Config) -> Iterator[tuple[str, Benchmark]]:
    for name, case in CASES.items():
        report: Report = read_report(config.root / case.report, name)
        if not report.parts:
            continue
        times = [part.measured_at for part in report.parts.values()]
        asked = [target for _, target in report.targets]
        yield (
            name,
            Benchmark(
                report=case.report.as_posix(),
                measured=(min(times), max(times)),
                targets=len(asked),
                met=sum(target.met is True for target in asked),
                missed=tuple(target.figure for target in asked if target.met is False),
            ),
        )


def _read(path: Path) -> Mapping[str, Any] | None:
    """A stage's metrics; None where it has not run.

    Raises:
        SettingsError: the file is no JSON object.
    """
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SettingsError(f"{path} holds no JSON object. Run its stage again: dvc repro.")
    return found


def _artifacts(root: Path) -> Iterator[Artifact]:
    files = {path for pattern in _ARTIFACTS for path in root.glob(pattern) if path.is_file()}
    for path in sorted(files):
        yield Artifact(path=path.relative_to(root).as_posix(), bytes=path.stat().st_size, sha256=sha256_of(path))
