"""What the gate says to good clips and to spoilt versions of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reelops.evaluation.batch import ScoringOrder
from reelops.evaluation.benchmark_scoring import OnStep
from reelops.evaluation.self_tests import ClipTest, run_self_tests
from reelops.gates import DEFAULT, Decision
from reelops.self_test import SelfTestRow


def gate(clips: Sequence[Path], order: ScoringOrder, on_step: OnStep) -> dict[str, Any]:
    """The gate's self-test on all clips: by version, how many got each decision, and every row that is wrong."""

    def on_case(judged: int, of: int) -> None:
        on_step(f"the gate on {judged} of {of} clips, good and spoilt", judged / of)

    tests = run_self_tests(clips, order, on_case=on_case)
    rows = [row for test in tests for row in test.rows]
    good, bad = ([row for row in rows if row.expected == expected] for expected in ("good", "bad"))
    names = dict.fromkeys(row.name for row in rows)
    return {
        "clips": [test.path.name for test in tests],
        "profile": order.profile or DEFAULT,
        "good": len(good),
        "good_not_rejected": _share(good, Decision.REJECT),
        "bad": len(bad),
        "bad_not_accepted": _share(bad, Decision.ACCEPT),
        "versions": {name: _counted([row for row in rows if row.name == name]) for name in names},
        "wrong": [facts for test in tests for facts in _wrong(test)],
        "not_tested": {test.path.name: test.error for test in tests if test.error},
    }


def _share(rows: Sequence[SelfTestRow], but: Decision) -> float | None:
    return sum(row.verdict.decision is not but for row in rows) / len(rows) if rows else None


def _counted(rows: Sequence[SelfTestRow]) -> dict[str, Any]:
    counts = {decision.value: sum(row.verdict.decision is decision for row in rows) for decision in Decision}
    return {"expected": rows[0].expected, **counts}


def _wrong(test: ClipTest) -> list[dict[str, Any]]:
    return [
        {"clip": test.path.name, "version": row.name, "verdict": row.verdict.to_json()}
        for row in test.rows
        if not row.passed
    ]
