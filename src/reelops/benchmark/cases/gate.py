"""What the gate says to good clips and to degraded versions of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least
from reelops.gate.decision import Decision
from reelops.gate.faults.catalogue import a_third_of_faults
from reelops.gate.limits import DEFAULT, load_gate_settings
from reelops.gate.naturalness.report import REPORT_NAME, wilson
from reelops.gate.self_test import SelfTestRow, calibration, self_test_clips
from reelops.metrics.naturalness.model import MODEL_FILE
from reelops.metrics.settings import load_score_settings
from reelops.progress import RunContext
from reelops.settings import shipped_folder


def measure_gate(bench: Bench, context: RunContext) -> Figures:
    """The gate's self-test on all clips: what was right of good and bad versions, which good ones were held back and
    why, and what `calibration` says. The default limits count, which are those of the product's own format."""
    limits = load_gate_settings(bench.config).limits_of(DEFAULT)
    settings = load_score_settings(bench.config)
    tests = self_test_clips(bench.files("good_clips"), settings, limits, context, faults=a_third_of_faults)
    known = [row for test in tests for row in test.rows if row.family is None]
    further = [row for test in tests for row in test.rows if row.family is not None]
    good, bad = ([row for row in known if row.expected == expected] for expected in ("good", "bad"))
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
        "faults_held_back": _share_other_than(Decision.ACCEPT, further),
        "families": _families(further),
        "curves": _curves(further),
        "left_out": _left_out(),
        **calibration({test.path.name: [row for row in test.rows if row.family is None] for test in tests}, limits),
    }


def _families(rows: Sequence[SelfTestRow]) -> list[dict[str, Any]]:
    """How many faults of each family were not accepted, and the 95% interval of the share."""
    found = []
    for family in dict.fromkeys(row.family for row in rows):
        its = [row for row in rows if row.family == family]
        held = sum(row.passed for row in its)
        found.append({"family": family, "held_back": held, "of": len(its), "interval": wilson(held, len(its))})
    return found


def _curves(rows: Sequence[SelfTestRow]) -> list[dict[str, Any]]:
    """The share of each fault that was held back, by strength; None where that was not tried."""
    found = []
    for family, fault in dict.fromkeys((row.family, row.fault) for row in rows):
        its = [row for row in rows if row.fault == fault and row.family == family]
        at = {number: [row.passed for row in its if row.strength == number] for number in range(3)}
        shares = [sum(passed) / len(passed) if passed else None for passed in at.values()]
        found.append({"family": family, "fault": fault, "shares": shares})
    return found


def _left_out() -> dict[str, Any] | None:
    """What the model of natural clips is worth on families and sources that it had not seen, as its report says."""
    report = shipped_folder() / MODEL_FILE.parent / REPORT_NAME
    found: dict[str, Any] | None = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else None
    return found


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
    yield from _fault_tables(found)


def _fault_tables(found: Figures) -> Iterator[Table]:
    if found.get("families"):  # reports from before them have none
        rows = [{**row, "interval": _interval(row["interval"])} for row in found["families"]]
        columns = {"Family": "family", "Held back": "held_back", "Of": "of", "95% interval": "interval"}
        yield Table.of("Faults out of families, held back by all limits together", rows, columns)
        curves = tuple((row["family"], row["fault"], *map(_share, row["shares"])) for row in found["curves"])
        names = ("Family", "Fault", "Just matters", "Plain", "Gross")
        yield Table("Share of each fault that is held back, by strength", names, curves)
    if found.get("left_out"):
        left = found["left_out"]
        rows = [
            {"family": name, **facts, "interval": _interval(facts["interval"])}
            for name, facts in [*left["families"].items(), ("all", left["all"])]
        ]
        columns = {"Family left out": "family", "Held back": "stopped", "Of": "of", "95% interval": "interval"}
        alarms = left["good"]["false_share"]
        title = f"Naturalness alone, neither family nor source seen before; {alarms:.0%} of good clips held back"
        yield Table.of(title, rows, columns)


def _interval(bounds: Sequence[float]) -> str:
    return f"{bounds[0]:.0%} to {bounds[1]:.0%}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


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
    if "faults_held_back" in found:  # reports from before these faults have none
        yield at_least("share of further faults not accepted", found["faults_held_back"], 0.85, aim=0.95)
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
