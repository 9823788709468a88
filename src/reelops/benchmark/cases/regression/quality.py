"""False alarms and losses of quality that are found, on real clips that are really scored.

Each order's clip is scored three times: twice with grain of different seeds, which is how clips of one model and
different random numbers differ, and once blurred as well. Comparisons draw orders from these. What the blur costs each
order is scaled, so that the mean loss is the margin and 3% of the baseline's mean beyond it; how the loss is spread
over orders stays what was measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np

from reelops.benchmark.case import Bench
from reelops.benchmark.orders import varied
from reelops.benchmark.regression.limits import Answer, Limit, RegressionLimits
from reelops.benchmark.regression.quality import Scores, compare_quality
from reelops.benchmark.report import Figures
from reelops.clip import ClipOrder
from reelops.metrics.catalogue import METRICS
from reelops.progress import RunContext

COMPARISONS = 200
ORDERS = 48
BEYOND = 0.03
SAME, AGAIN, SPOILT = "same", "again", "spoilt"
_GRAIN, _BLUR = 4.0, 0.7  # standard deviations: in grey levels, in pixels
_CLIP: Mapping[str, Any] = {"profile": "camera-moves", "num_frames": 17, "width": 240, "height": 160, "size": "160p"}


def measure_quality_errors(
    limits: RegressionLimits, bench: Bench, context: RunContext, orders: int = ORDERS, comparisons: int = COMPARISONS
) -> Figures:
    """Scores the clips of so many orders, and lets the gate judge so many comparisons of them, by metric."""
    began = datetime.now(UTC).replace(microsecond=0).isoformat()
    return judge_scores(score_orders(bench, orders, context), limits, began, comparisons)


def read_scores(found: Figures) -> list[dict[str, Scores]]:
    """The scores of each order's clips that figures hold."""
    scored: list[dict[str, Scores]] = []
    for number in range(found["orders"]):
        rows = {metric: lines[number].split() for metric, lines in found["scores"].items()}
        ways = enumerate((SAME, AGAIN, SPOILT))
        scored.append({way: {metric: _number(row[at]) for metric, row in rows.items()} for at, way in ways})
    return scored


def judge_scores(
    scored: Sequence[Mapping[str, Scores]], limits: RegressionLimits, recorded_at: str, comparisons: int = COMPARISONS
) -> Figures:
    """What the gate says of scores, with the scores themselves."""
    found = {
        metric: error_rates(scored, metric, limit, limits, comparisons) for metric, limit in limits.quality.items()
    }
    return {
        "recorded_at": recorded_at,
        "clip": f"{_CLIP['num_frames']} frames of {_CLIP['width']}x{_CLIP['height']}, camera moves over photographs",
        "orders": len(scored),
        "comparisons": comparisons,
        "limits": limits.model_dump(mode="json"),
        "metrics": {metric: rates for metric, rates in found.items() if rates is not None},
        "left_out": [metric for metric, rates in found.items() if rates is None],
        "scores": {metric: [_in_a_row(one, metric) for one in scored] for metric in limits.quality},
    }


def _number(text: str) -> float | None:
    return None if text == "-" else float(text)


def _in_a_row(ways: Mapping[str, Scores], metric: str) -> str:
    """An order's three scores on one line of the report."""
    return " ".join("-" if (value := ways[way].get(metric)) is None else f"{value:.6g}" for way in ways)


def score_orders(bench: Bench, number: int, context: RunContext) -> list[dict[str, Scores]]:
    """Scores of each order's clip, in all three ways."""
    from reelops.generators.catalogue import Generators
    from reelops.production.producer import build_producer

    generators = Generators(bench.config)
    producer = build_producer(bench.config, generators)
    scored = []
    for seed, (_, prompt, picture) in enumerate(islice(varied(bench), number)):
        order = ClipOrder(picture=picture, prompt=prompt, **_CLIP)
        made = generators.of(order).generate(order)
        frames_THWC = made.read_frames()
        ways: dict[str, Scores] = {}
        for turn, way in enumerate((SAME, AGAIN, SPOILT)):
            context.raise_if_stopped()
            context.progress("scores", 3 * seed + turn, 3 * number, "clips")
            clip = bench.scratch / "clip.mp4"
            producer.encoder.clip(_spoil(frames_THWC, 3 * seed + turn, way), clip, made.format.fps, order.quality, {})
            ways[way] = dict(producer.scorer.score(clip, made.picture_HWC, prompt, lambda _: None))
            clip.unlink()
        scored.append(ways)
    return scored


def _spoil(frames_THWC: np.ndarray, seed: int, way: str) -> np.ndarray:
    import cv2

    draw = np.random.default_rng(seed)
    seen = [cv2.GaussianBlur(frame_HWC, (0, 0), _BLUR) if way == SPOILT else frame_HWC for frame_HWC in frames_THWC]
    grain = draw.normal(0.0, _GRAIN, frames_THWC.shape)
    return np.clip(np.rint(np.stack(seen) + grain), 0, 255).astype(np.uint8)


def error_rates(
    scored: Sequence[Mapping[str, Scores]], metric: str, limit: Limit, limits: RegressionLimits, comparisons: int
) -> dict[str, float] | None:
    """How often one metric alone is called worse where it is not, and where it is by more than is allowed.

    None where the blur does not make it worse, or where it is not measured: a loss that is nowhere cannot be scaled.
    """
    sign = 1.0 if METRICS[metric].direction == "higher is better" else -1.0
    found = [(one[SAME].get(metric), one[AGAIN].get(metric), one[SPOILT].get(metric)) for one in scored]
    values = np.array([row for row in found if None not in row], dtype=np.float64)
    if not len(values):
        return None
    same, again, spoilt = values.T
    losses = sign * (same - spoilt)
    if losses.mean() <= 0:
        return None
    mean = abs(float(same.mean()))
    planted = limit.of(mean) + BEYOND * mean
    worse = same - sign * losses * planted / losses.mean()
    draw = np.random.default_rng(0)

    def choose() -> np.ndarray:
        return draw.integers(0, len(values), max(limits.pairs_at_looks))

    alarms = [_answer(metric, same, again, choose(), limit, limits) for _ in range(comparisons)]
    hits = [_answer(metric, same, worse, choose(), limit, limits) for _ in range(comparisons)]
    return {
        "mean": float(same.mean()),
        "allowed": limit.of(mean),
        "planted": planted,
        "differs_anyway": float(np.std(same - again)),
        "spread_of_planted": float(np.std(losses) * planted / losses.mean()),
        "false_alarms": statistics.fmean(answer == "fail" for answer in alarms),
        "passed": statistics.fmean(answer == "pass" for answer in alarms),
        "found": statistics.fmean(answer == "fail" for answer in hits),
        "missed": statistics.fmean(answer == "pass" for answer in hits),
    }


def _answer(
    metric: str, old: np.ndarray, new: np.ndarray, chosen: np.ndarray, limit: Limit, limits: RegressionLimits
) -> Answer:
    """What is said at the last look that was needed."""
    answer: Answer = "more runs"
    for pairs in limits.pairs_at_looks:
        both = [({metric: float(old[at])}, {metric: float(new[at])}) for at in chosen[:pairs]]
        (found,) = compare_quality(both, {metric: limit})
        answer = found.answer or "more runs"
        if answer != "more runs":
            break
    return answer
