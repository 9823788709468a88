"""What the gate says to good clips and to spoilt versions of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reelops.benchmark.cases.scoring import OnStep
from reelops.gate.decision import Decision
from reelops.gate.limits import DEFAULT
from reelops.gate.self_test import SelfTestRow, calibration
from reelops.scoring.batch import ScoringOrder
from reelops.scoring.gate_self_test import run_self_tests


def gate(clips: Sequence[Path], order: ScoringOrder, on_step: OnStep) -> dict[str, Any]:
    """The gate's self-test on all clips: what was right of good and bad versions, which good ones were held back and
    why, and what `calibration` says."""

    def on_case(judged: int, of: int) -> None:
        on_step(f"the gate on {judged} of {of} clips, good and spoilt", judged / of)

    tests = run_self_tests(clips, order, on_case=on_case)
    rows = [row for test in tests for row in test.rows]
    good, bad = ([row for row in rows if row.expected == expected] for expected in ("good", "bad"))
    limits = order.gate_settings.limits_of(order.profile or DEFAULT)
    return {
        "good": len(good),
        "good_not_rejected": _share(good, Decision.REJECT),
        "bad": len(bad),
        "bad_not_accepted": _share(bad, Decision.ACCEPT),
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


def _share(rows: Sequence[SelfTestRow], but: Decision) -> float | None:
    return sum(row.verdict.decision is not but for row in rows) / len(rows) if rows else None
