"""`reelops benchmark regression`: how often the gate cries wolf, and how often it sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reelops.benchmark.case import Bench, Case, Part
from reelops.benchmark.cases.regression.latency import judge_blocks, measure_latency_errors, read_blocks
from reelops.benchmark.cases.regression.quality import judge_scores, measure_quality_errors, read_scores
from reelops.benchmark.params import load_benchmark_params
from reelops.benchmark.report import Figures, read_report
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least, at_most
from reelops.errors import SettingsError
from reelops.progress import RunContext

REPORT = Path("reports/benchmark/regression.json")


def _latency(bench: Bench, context: RunContext) -> Figures:
    return measure_latency_errors(load_benchmark_params(bench.config).regression, bench, context)


def _latency_again(bench: Bench, _: RunContext) -> Figures:
    found, at = _recorded(bench, "latency")
    return judge_blocks(read_blocks(found), load_benchmark_params(bench.config).regression, at)


def _quality_again(bench: Bench, _: RunContext) -> Figures:
    found, at = _recorded(bench, "quality")
    return judge_scores(read_scores(found), load_benchmark_params(bench.config).regression, at)


def _recorded(bench: Bench, part: str) -> tuple[Figures, str]:
    """A part's figures in the report that is there, and when its clips were made.

    Raises:
        SettingsError: there are none.
    """
    kept = read_report(bench.config.root / REPORT, "regression").parts.get(part)
    if kept is None:
        raise SettingsError(f"{REPORT} has no clips of {part}. Make some: reelops benchmark regression --part {part}")
    return kept.figures, kept.figures.get("recorded_at", kept.measured_at.isoformat())


def _quality(bench: Bench, context: RunContext) -> Figures:
    return measure_quality_errors(load_benchmark_params(bench.config).regression, bench, context)


def latency_tables(found: Figures) -> Iterator[Table]:
    """What the gate said, and what others would have said of the same clips."""
    columns = {
        "Candidate": "candidate",
        "Comparisons": "comparisons",
        "Pass": "pass",
        "Fail": "fail",
        "More runs": "more runs",
        "Pairs, mean": "mean_pairs",
    }
    words = {"same": "the same code", "slowed": f"slowed, by {found['really_slowed_by']:.1%} in the median"}
    yield Table.of("Latency", ({"candidate": words[name], **found[name]} for name in words), columns)
    rivals = ({"rival": name, **rates} for name, rates in found["rivals"].items())
    rival_columns = {"Decided by": "rival", "False alarms": "false_alarms", "Found": "found"}
    yield Table.of("Other ways to decide, without a second look", rivals, rival_columns)


def quality_tables(found: Figures) -> Iterator[Table]:
    """Rates by metric."""
    columns = {
        "Metric": "metric",
        "Mean": "mean",
        "Allowed loss": "allowed",
        "Planted": "planted",
        "Differs anyway": "differs_anyway",
        "False alarms": "false_alarms",
        "Found": "found",
        "Missed": "missed",
    }
    rows = ({"metric": name, **rates} for name, rates in found["metrics"].items())
    yield Table.of("Quality", rows, columns)


def latency_targets(found: Figures) -> Iterator[Target]:
    """At most 2% of false alarms, at least 95% of slowdowns of 15% found."""
    yield at_most("share of comparisons of the same code that fail", found["same"]["failed_share"], 0.02)
    yield at_least("share of slowdowns of 15% that fail", found["slowed"]["failed_share"], 0.95)


def quality_targets(found: Figures) -> Iterator[Target]:
    """At most 2% of false alarms, at least 90% of losses found, for the worst metric."""
    rates = found["metrics"].values()
    alarms = max((one["false_alarms"] for one in rates), default=None)
    hits = min((one["found"] for one in rates), default=None)
    yield at_most("share of comparisons of equal quality that fail, worst metric", alarms, 0.02)
    yield at_least("share of losses of 3% beyond the margin that fail, worst metric", hits, 0.9)


def regression_case(again: bool = False) -> Case:
    """The benchmark; `again` judges the blocks of the report that is there, instead of new ones."""
    return Case(
        name="regression",
        title="How often the regression gate errs",
        measures="false alarms of the gate, and slowdowns and losses of quality that it finds, on real clips",
        report=REPORT,
        with_torch=True,
        parts=(
            Part(
                "latency",
                "200 comparisons of the same code and 200 with a slowdown of 15%, on clips of a small network",
                900,
                _latency_again if again else _latency,
                latency_tables,
                latency_targets,
                ("pictures",),
                options=("--again",) if again else (),
            ),
            Part(
                "quality",
                "200 comparisons of equal quality and 200 with a loss of 3% beyond the margin, metric by metric",
                300,
                _quality_again if again else _quality,
                quality_tables,
                quality_targets,
                ("pictures",),
                options=("--again",) if again else (),
            ),
        ),
    )
