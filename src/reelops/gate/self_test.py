"""The gate tests itself: it is shown a good clip and degenerate versions of it, and must tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from reelops.gate.decision import Decision
from reelops.gate.degenerate_clips import CASES
from reelops.gate.limits import GateLimits
from reelops.gate.verdict import Verdict, judge
from reelops.metrics.scores import Scores
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.suite import score_frames

OnCase = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SelfTestRow:
    """What the gate said to one version of a clip.

    Attributes:
        name: the version: `as it is`, `frozen`, ...
        expected: `good`: it must not be rejected; `bad`: it must not be accepted.
        verdict: the gate's answer, with its reasons.
        scores: what it rests on.
    """

    name: str
    expected: Literal["good", "bad"]
    verdict: Verdict
    scores: Scores

    @property
    def passed(self) -> bool:
        wrong = Decision.REJECT if self.expected == "good" else Decision.ACCEPT
        return self.verdict.decision is not wrong

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "expected": self.expected,
            "passed": self.passed,
            "verdict": self.verdict.to_json(),
            "scores": dict(self.scores),
        }


def self_test(
    frames_THWC: np.ndarray,
    fps: Fraction,
    settings: ScoreSettings,
    limits: GateLimits,
    seed: int = 0,
    on_case: OnCase | None = None,
) -> Iterator[SelfTestRow]:
    """A row for each of `CASES`, one at a time.

    Args:
        frames_THWC: a good clip, RGB uint8; the longer the clearer: best the product's 49 frames.
        fps: its rate.
        settings, limits: the gate's.
        seed: of everything random; each case has its own, so that one can be repeated alone.
        on_case: told before each case: its name, its number from 1, and how many there are.
    """
    for number, case in enumerate(CASES, start=1):
        if on_case:
            on_case(case.name, number, len(CASES))
        frames = case.make(frames_THWC, np.random.default_rng([seed, number]))
        scores = score_frames(frames, fps, None, None, settings)
        yield SelfTestRow(case.name, "good" if case.good else "bad", judge(scores, limits), scores)


def calibration(tests: Mapping[str, Sequence[SelfTestRow]], limits: GateLimits) -> dict[str, Any]:
    """What the limits rest on: how the gate judged every version of many clips, and what each limited metric measured.

    Args:
        tests: by clip, its rows.
        limits: the gate's.

    Returns:
        Plain JSON values. `versions`: what is expected of each, and how many got each decision. `wrong`: rows that did
        not pass, with their reasons. `limits`: by metric, its limits, and by version the smallest, middle and largest
        value.
    """
    rows = [row for each in tests.values() for row in each]
    versions = {name: [row for row in rows if row.name == name] for name in dict.fromkeys(row.name for row in rows)}
    return {
        "clips": list(tests),
        "profile": limits.name,
        "versions": {name: {"expected": some[0].expected, **_decisions(some)} for name, some in versions.items()},
        "wrong": [{"clip": clip, **row.to_json()} for clip, each in tests.items() for row in each if not row.passed],
        "limits": {
            metric: {
                "limit": limit.model_dump(exclude_defaults=True),
                "values": {name: _spread(row.scores.get(metric) for row in some) for name, some in versions.items()},
            }
            for metric, limit in limits.metrics.items()
        },
    }


def _decisions(rows: Iterable[SelfTestRow]) -> dict[str, int]:
    counts = Counter(row.verdict.decision.value for row in rows)
    return {decision.value: counts[decision.value] for decision in Decision}


def _spread(values: Iterable[float | None]) -> list[float]:
    """Smallest, middle, largest; nothing where nothing was measured."""
    known = sorted(value for value in values if value is not None)
    return [known[0], float(np.median(known)), known[-1]] if known else []
