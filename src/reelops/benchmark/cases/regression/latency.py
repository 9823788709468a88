"""False alarms and slowdowns that are found, on clips that a small network really makes on this machine.

A block is three clips of one order, beside each other in changing order: two by the same code, and one that is slowed,
by work that takes 15% of the processor time that the clip took. Comparisons take blocks one after the other, each
comparison its own where it needs no second look; the blocks of further looks are those of the next comparisons.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.generation.measure import measure_yardstick
from reelops.benchmark.regression.gate import Evidence, decide
from reelops.benchmark.regression.latency import compare_recorded, pseudo_median, slower_within_pairs
from reelops.benchmark.regression.limits import RegressionLimits
from reelops.benchmark.report import Figures
from reelops.benchmark.small import SMALL, with_small_profile
from reelops.clip import ClipOrder
from reelops.progress import RunContext

COMPARISONS = 200
SLOWDOWN = 0.15
SAME, AGAIN, SLOWED = "same", "again", "slowed"
_WARM_UP = 10
_COLUMNS = (SAME, AGAIN, SLOWED, "yardstick")
Block = Mapping[str, float]


def measure_latency_errors(
    limits: RegressionLimits, bench: Bench, context: RunContext, comparisons: int = COMPARISONS
) -> Figures:
    """Records the blocks that so many comparisons take, and lets the gate and its rivals judge them."""
    began = datetime.now(UTC).replace(microsecond=0).isoformat()
    return judge_blocks(record_blocks(bench, comparisons * limits.first_look, context), limits, began)


def read_blocks(found: Figures) -> list[Block]:
    """The blocks that figures hold."""
    return [dict(zip(_COLUMNS, map(float, line.split()), strict=True)) for line in found["seconds_of_blocks"]]


def judge_blocks(blocks: Sequence[Block], limits: RegressionLimits, recorded_at: str) -> Figures:
    """What the gate and its rivals say of blocks, with the blocks themselves."""
    return {
        "recorded_at": recorded_at,
        "clip": "9 frames of 48x32 by a small network with random weights, one step",
        "blocks": len(blocks),
        "limits": limits.model_dump(mode="json"),
        "median_seconds": statistics.median(block[SAME] for block in blocks),
        "slowest_to_median": max(block[SAME] for block in blocks) / statistics.median(b[SAME] for b in blocks),
        "really_slowed_by": _slowed_by(blocks),
        "same": outcomes(blocks, AGAIN, limits),
        "slowed": outcomes(blocks, SLOWED, limits),
        "rivals": {name: rival_rates(rival, blocks, limits) for name, rival in RIVALS.items()},
        "blocks_hold": " ".join(_COLUMNS),
        "seconds_of_blocks": [" ".join(f"{block[way]:.6f}" for way in _COLUMNS) for block in blocks],
    }


def record_blocks(bench: Bench, number: int, context: RunContext) -> list[Block]:
    """So many blocks, made one after the other."""
    from reelops.generators.catalogue import Generators

    generators = Generators(with_small_profile(bench.config))
    picture = bench.files("pictures")[0]
    draw, blocks = random.Random(0), list[Block]()  # noqa: S311 - the order of clips is no secret

    def make(seed: int) -> None:
        order = ClipOrder(picture=picture, prompt="zoom in", profile=SMALL, seed=seed)
        generators.of(order).generate(order).read_frames()

    with _one_thread():
        for seed in range(_WARM_UP):
            make(seed)
        for seed in range(number):
            context.raise_if_stopped()
            context.progress("blocks", seed, number, "blocks")
            took: dict[str, float] = {"yardstick": measure_yardstick()}
            for way in draw.sample((SAME, AGAIN, SLOWED), 3):
                began, work = time.perf_counter(), time.process_time()
                make(seed)
                if way == SLOWED:
                    _work(SLOWDOWN * (time.process_time() - work))
                took[way] = round(time.perf_counter() - began, 6)
            blocks.append(took)
    return blocks


@contextmanager
def _one_thread() -> Iterator[None]:
    """Networks so small are quickest on one thread; several only wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _work(seconds: float) -> None:
    """Computes until so much processor time went by: where a neighbour takes the core away, it waits as clips do."""
    until, matrix = time.process_time() + seconds, np.full((64, 64), 0.5, np.float32)
    while time.process_time() < until:
        matrix = np.tanh(matrix @ matrix / 64)


def _slowed_by(blocks: Sequence[Block]) -> float:
    return float(np.expm1(np.median(_log_ratios(blocks, SLOWED))))


def outcomes(blocks: Sequence[Block], candidate: str, limits: RegressionLimits) -> dict[str, Any]:
    """What the gate says of each comparison, and how many pairs it took."""
    answers = {"pass": 0, "fail": 0, "more runs": 0}
    pairs_taken = []
    for begin in range(0, len(blocks) - limits.first_look + 1, limits.first_look):
        taken = 0

        def measure(pairs: int, begin: int = begin) -> Evidence:
            nonlocal taken
            taken = pairs
            chosen = (blocks[(begin + number) % len(blocks)] for number in range(pairs))
            return Evidence([(block[SAME], block[candidate]) for block in chosen])

        answers[decide(measure, limits).answer] += 1
        pairs_taken.append(taken)
    total = len(pairs_taken)
    return {
        "comparisons": total,
        **answers,
        "failed_share": answers["fail"] / total,
        "mean_pairs": statistics.fmean(pairs_taken),
    }


def _log_ratios(blocks: Sequence[Block], candidate: str) -> np.ndarray:
    return np.log([block[candidate] / block[SAME] for block in blocks])


Rival = Callable[[Sequence[Block], str, RegressionLimits], bool]


def _undivided(blocks: Sequence[Block], candidate: str, limits: RegressionLimits) -> bool:
    """Mann and Whitney's test on the seconds as they are, at 5%, with the same threshold on medians."""
    from scipy.stats import mannwhitneyu

    old, new = [block[SAME] for block in blocks], [block[candidate] for block in blocks]
    slower = statistics.median(new) / statistics.median(old) - 1
    return bool(mannwhitneyu(new, old, alternative="greater").pvalue < 0.05 and slower > limits.latency.relative)


def _threshold_alone(blocks: Sequence[Block], candidate: str, limits: RegressionLimits) -> bool:
    old, new = [block[SAME] for block in blocks], [block[candidate] for block in blocks]
    return statistics.fmean(new) / statistics.fmean(old) - 1 > limits.latency.relative


def _test_alone(blocks: Sequence[Block], candidate: str, _: RegressionLimits) -> bool:
    return slower_within_pairs(_log_ratios(blocks, candidate)) < 0.05


def _divided(blocks: Sequence[Block], candidate: str, limits: RegressionLimits) -> bool:
    """Mann and Whitney's test on seconds, each divided by its pair's geometric mean, at the gate's own level."""
    from scipy.stats import mannwhitneyu

    ratios = _log_ratios(blocks, candidate)
    middle = np.expm1(pseudo_median(ratios, limits.alpha)[0])
    p_value = mannwhitneyu(ratios / 2, -ratios / 2, alternative="greater").pvalue
    return bool(p_value <= limits.alpha and middle > limits.latency.relative)


def _first_look(blocks: Sequence[Block], candidate: str, limits: RegressionLimits) -> bool:
    ratios = _log_ratios(blocks, candidate)
    middle = np.expm1(pseudo_median(ratios, limits.alpha)[0])
    return bool(slower_within_pairs(ratios) <= limits.alpha and middle > limits.latency.relative)


def _recorded(blocks: Sequence[Block], candidate: str, limits: RegressionLimits) -> bool:
    """The first half is the earlier run, the second half the later one, each clip in units of its yardstick."""
    half = len(blocks) // 2
    old = [block[SAME] / block["yardstick"] for block in blocks[:half]]
    new = [block[candidate] / block["yardstick"] for block in blocks[half:]]
    return compare_recorded(old, new, limits.latency, limits.alpha).answer == "fail"


RIVALS: Mapping[str, Rival] = {
    "the gate's own test, first look": _first_look,
    "Mann and Whitney on divided seconds, threshold": _divided,
    "the gate's own test at 5%, no threshold": _test_alone,
    "Mann and Whitney on undivided seconds, 5%, threshold": _undivided,
    "means, threshold, no test": _threshold_alone,
    "recorded before, in yardsticks": _recorded,
}
"""Other ways to decide, on the clips of a first look each; the last on as many clips of each way."""


def rival_rates(rival: Rival, blocks: Sequence[Block], limits: RegressionLimits) -> dict[str, float]:
    """Shares of comparisons that it calls slower: of those that are not, and of those that are."""
    size = limits.first_look * (2 if rival is _recorded else 1)
    windows = [blocks[begin : begin + size] for begin in range(0, len(blocks) - size + 1, size)]
    return {
        "false_alarms": statistics.fmean(rival(window, AGAIN, limits) for window in windows),
        "found": statistics.fmean(rival(window, SLOWED, limits) for window in windows),
        "comparisons": len(windows),
    }
