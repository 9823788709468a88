"""What the gate says to good clips and to degraded versions of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least
from reelops.gate.decision import Decision
from reelops.gate.limits import DEFAULT, load_gate_settings
from reelops.gate.self_test import SelfTestRow, calibration, self_test_clips
from reelops.metrics.settings import load_score_settings
from reelops.progress import RunContext


def measure_gate(bench: Bench, context: RunContext) -> Figures:
    """The gate's self-test on all clips: what was right of good and bad versions, which good ones were held back and
    why, and what `calibration` says. The default limits count, which are those of the product's own format."""
    limits = load_gate_settings(bench.config).limits_of(DEFAULT)
    tests = self_test_clips(bench.files("good_clips"), load_score_settings(bench.config), limits, context)
    rows = [row for test in tests for row in test.rows]
    good, bad = ([row for row in rows if row.expected == expected] for expected in ("good", "bad"))
    return {
        "good": len(good),
        "good_not_rejected": _share_other_than(Decision.REJECT, good),
        "bad": len(bad),
        "bad_not_accepted": _share_other_than(Decision.ACCEPT, bad),
        "held_back": [
            {
                "clip": test.path.name,
                "said": row.verdict.decision.value,
                "why": [str(one) for one in row.verdict.reasons],
            }
            for test in tests
            for row in test.rows
            if row.expected == "good" and row.verdict.decision is not Decision.ACCEPT
        ],
        "not_tested": {test.path.name: test.error for test in tests if test.error},
        **calibration({test.path.name: test.rows for test in tests}, limits),
    }


def _share_other_than(decision: Decision, rows: Sequence[SelfTestRow]) -> float | None:
    return sum(row.verdict.decision is not decision for row in rows) / len(rows) if rows else None


def _tables(found: Figures) -> Iterator[Table]:
    rows = [{"version": name, **counts} for name, counts in found["versions"].items()]
    columns = {
        "Version": "version",
        "It is": "expected",
        "Accepted": "accept",
        "To be reviewed": "review",
        "Rejected": "reject",
    }
    yield Table.of(f"The gate on good clips ({len(found['clips'])}) and degraded versions of them", rows, columns)
    if found["held_back"]:
        held = ({**row, "why": " ".join(row["why"])} for row in found["held_back"])
        yield Table.of("Good clips that were held back", held, {"Clip": "clip", "Verdict": "said", "Why": "why"})
    if found["wrong"]:
        wrong = ({**row, "said": row["verdict"]["decision"]} for row in found["wrong"])
        yield Table.of("Wrong verdicts", wrong, {"Clip": "clip", "Version": "name", "Verdict": "said"})
    yield _limits(found)


def _limits(found: Figures) -> Table:
    rows = []
    for metric, facts in found["limits"].items():
        limit = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts["limit"].items())
        values = (" / ".join(f"{value:.3g}" for value in spread) or "-" for spread in facts["values"].values())
        rows.append((metric, limit, *values))
    columns = ("Metric", "Limits", *found["versions"])
    return Table("What limited metrics measured: smallest, middle and largest value", columns, tuple(rows))


def _targets(found: Figures) -> Iterator[Target]:
    yield at_least("share of good versions not rejected", found["good_not_rejected"], 0.95, aim=1.0)
    yield at_least("share of degraded versions not accepted", found["bad_not_accepted"], 0.97, aim=1.0)


GATE = Part(
    "gate",
    "the gate's self-test on all good clips: which were held back and why, and what was wrong",
    200,
    measure_gate,
    _tables,
    _targets,
    ("good_clips",),
)
