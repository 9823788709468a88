"""A metric is whole in its file: its record makes the contract of tables, the reports and the words of the gate."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from reelops.metrics.catalogue import METRICS, METRICS_VERSION, version_of
from reelops.metrics.metric import Metric

every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


@every_metric
def test_every_metric_says_what_it_measures_and_of_which_kind_it_is(metric: Metric) -> None:
    assert metric.title and metric.description and METRICS[metric.name] is metric
    assert metric.low < metric.high and metric.version >= 1
    assert not any("|" in text or "\n" in text for text in (metric.description, metric.blind_to)), (
        "breaks the table of docs"
    )


@every_metric
def test_what_a_limit_means_is_a_sentence_of_its_own(metric: Metric) -> None:
    for meaning in filter(None, (metric.below, metric.above)):
        assert meaning[0].isupper() and meaning.endswith(".")


@every_metric
def test_another_version_of_any_metric_is_another_version_of_them_all(metric: Metric) -> None:
    later = METRICS | {metric.name: replace(metric, version=metric.version + 1)}
    assert version_of(later.values()) != METRICS_VERSION


def test_the_version_does_not_depend_on_order_and_changes_with_a_new_metric() -> None:
    assert version_of(reversed(METRICS.values())) == METRICS_VERSION
    new = Metric("new", "New", "", "lower is better", "Motion", "nothing yet")
    assert version_of([*METRICS.values(), new]) != METRICS_VERSION


@every_metric
def test_a_series_without_words_of_its_own_is_the_metric_frame_by_frame(metric: Metric) -> None:
    if metric.own_series:
        assert metric.series is metric.own_series and not metric.series.is_metric
    else:
        assert (metric.series.title, metric.series.unit, metric.series.is_metric) == (metric.title, metric.unit, True)


ANOTHER_METRIC = """
from fractions import Fraction
from reelops.metrics.catalogue import METRICS
from reelops.metrics.metric import Metric
from reelops.metrics.tracker import OfFrames

METRICS["redness"] = Metric(
    "redness", "Redness", "shades", "in between is better", "Light and detail", "how red it is",
    high=255, above="It glows.",
    track=lambda _: OfFrames("redness", lambda view: float(view.frame_HWC[..., 0].mean()), "red"),
)

import numpy as np
from reelops.gate.limits import GateSettings
from reelops.gate.verdict import judge
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.suite import score_frames
from reelops.scoring.contracts import range_of, table_schema
from reelops.scoring.report.figures import histogram

settings = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=120.0)
frames = np.full((3, 32, 48, 3), (200, 0, 0), np.uint8)
limits = {"redness": {"review_above": 100}}
gate = GateSettings({"default": {"wrong_camera_move": "review", "metrics": limits}}).limits_of("default")
print(*judge(score_frames(frames, Fraction(8), None, None, settings), gate).reasons)
print("redness" in table_schema().columns, range_of("redness"))
print(histogram("redness", [1.0, 2.0], None, 0).title)
"""


def test_a_new_metric_takes_its_record_and_one_line_of_the_catalogue() -> None:
    run = subprocess.run([sys.executable, "-c", ANOTHER_METRIC], capture_output=True, text=True, timeout=120)
    assert run.stdout.splitlines() == [
        "Redness is 200 shades; at most 100 is wanted. It glows.",
        "True (0.0, 255)",
        "Redness",
    ], run.stderr
